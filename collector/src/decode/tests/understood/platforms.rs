//! Containers, clouds and databases: their lines and their JSON.

use super::rows;

rows! {
    kubernetes_cri: Tcp [
        b"2016-10-06T00:17:09.669794202Z stdout F The content of the log entry 1\n",
        b"2026-11-22T20:00:00.669794202+01:00 stderr P First part of an ERROR\n",
        b"2026-11-22T19:00:00.5Z stderr F {\"level\":\"error\",\"msg\":\"boom\",\"n\":1}\n",
        b"2026-11-22T19:00:00.5Z stdout F \n",
        b"2026-11-22T19:00:00.5Z stdout X of another kind\n",
        b"2026-11-22T19:00:00 stdout F without a zone\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2016-10-06T00:17:09.669794Z","level":"INFO","msg":"The content of the log entry 1","kv":{"stream":"stdout"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.669794Z","level":"ERROR","msg":"First part of an ERROR","kv":{"stream":"stderr","partial":true}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"ERROR","msg":"boom","kv":{"stream":"stderr","n":1}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"INFO","msg":"","kv":{"stream":"stdout"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22T19:00:00.5Z stdout X of another kind"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22T19:00:00 stdout F without a zone"}"##,
    ];
    google_cloud_entries: Tcp [
        b"{\"insertId\":\"x\",\"jsonPayload\":{\"message\":\"m\",\"level\":\"warn\",\"n\":7},\"severity\":\"ERROR\",\"timestamp\":\"2026-11-22T19:00:00.5Z\",\"resource\":{\"type\":\"k8s_container\"}}\n",
        b"{\"jsonPayload\":{\"message\":\"m\",\"severity\":\"NOTICE\"},\"timestamp\":\"2026-11-22T19:00:00Z\"}\n",
        b"{\"severity\":\"INFO\",\"message\":\"m\",\"logging.googleapis.com/trace\":\"projects/p/traces/0679\",\"logging.googleapis.com/spanId\":\"4a\",\"logging.googleapis.com/sourceLocation\":{\"file\":\"a.py\",\"line\":\"142\",\"function\":\"f\"},\"timestampSeconds\":1795374000}\n",
        b"{\"severity\":\"WARNING\",\"textPayload\":\"m\",\"timestamp\":{\"seconds\":1795374000,\"nanos\":500000000}}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"ERROR","msg":"m","kv":{"insertId":"x","jsonPayload.level":"warn","jsonPayload.n":7,"resource":{"type":"k8s_container"}}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"m","kv":{"severity":"NOTICE"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","file":"a.py","line":142,"msg":"m","kv":{"trace_path":"projects/p/traces/0679","logging.googleapis.com/sourceLocation.function":"f"},"trace":"0679","span":"4a"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"WARN","msg":"m"}"##,
    ];
    datadog: Tcp [
        b"{\"status\":\"error\",\"message\":\"boom\",\"ddsource\":\"nodejs\",\"hostname\":\"web1\",\"service\":\"shop\",\"date\":1795374000123}\n",
        b"{\"status\":\"warn\",\"message\":\"x\",\"dd\":{\"trace_id\":\"123\",\"span_id\":\"456\"},\"timestamp\":\"2026-11-22T19:00:00Z\"}\n",
        b"{\"level\":\"info\",\"status\":\"error\",\"message\":\"the level is info\"}\n",
        b"{\"status\":500,\"message\":\"of a request\"}\n",
        b"{\"status\":\"ok\",\"message\":\"up\",\"dd.trace_id\":\"123\",\"dd.service\":\"shop\"}\n",
        b"{\"status\":\"success\",\"message\":\"of a payment\"}\n",
    ] => [
        r##"{"app":"shop","host":"web1","time":"2026-11-22T19:00:00.123000Z","level":"ERROR","msg":"boom","kv":{"ddsource":"nodejs"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"x","trace":"123","span":"456"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"the level is info","kv":{"status":"error"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"of a request","kv":{"status":500}}"##,
        r##"{"app":"shop","host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"up","kv":{"status":"ok"},"trace":"123"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"of a payment","kv":{"status":"success"}}"##,
    ];
    postgresql_csv_and_json: Tcp [
        b"2026-11-22 19:00:00.123 UTC,\"postgres\",\"shop\",1234,\"192.0.2.4:5\",60a1.1,6,\"SELECT\",2026-11-22 18:00:00 UTC,3/4,0,ERROR,42P01,\"relation \"\"x\"\" does not exist\",,,,,,\"select 1\",15,,\"psql\"\n",
        b"2026-11-22 19:00:00.123 CEST,,,1234,,60a1.1,6,,2026-11-22 18:00:00 CEST,,0,LOG,00000,\"an ERROR is near\",,\n",
        b"2026-11-22 19:00:00.123 UTC,\"a,ERROR,b\",\"shop\",1,,60a1.1,6,,2026-11-22 18:00:00 UTC,,0,WARNING,01000,\"slow\",,\n",
        b"{\"timestamp\":\"2026-11-22 19:00:00.123 UTC\",\"user\":\"postgres\",\"pid\":1234,\"error_severity\":\"ERROR\",\"state_code\":\"42P01\",\"message\":\"no\",\"application_name\":\"psql\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22 19:00:00.123 UTC,\"postgres\",\"shop\",1234,\"192.0.2.4:5\",60a1.1,6,\"SELECT\",2026-11-22 18:00:00 UTC,3/4,0,ERROR,42P01,\"relation \"\"x\"\" does not exist\",,,,,,\"select 1\",15,,\"psql\""}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22 19:00:00.123 CEST,,,1234,,60a1.1,6,,2026-11-22 18:00:00 CEST,,0,LOG,00000,\"an ERROR is near\",,"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:00:00.123 UTC,\"a,ERROR,b\",\"shop\",1,,60a1.1,6,,2026-11-22 18:00:00 UTC,,0,WARNING,01000,\"slow\",,"}"##,
        r##"{"host":"10.0.0.7","pid":1234,"time":"2026-11-22T19:00:00.123000Z","level":"ERROR","msg":"no","kv":{"user":"postgres","state_code":"42P01","application_name":"psql"}}"##,
    ];
    times_beyond_four_digits: Tcp [
        b"{\"instant\":{\"epochSecond\":611795374283,\"nanoOfSecond\":5},\"message\":\"far\"}\n",
        b"{\"time\":\"9999-12-31T23:59:59-05:00\",\"message\":\"far\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"far","kv":{"instant":{"epochSecond":611795374283,"nanoOfSecond":5}}}"##,
        r##"{"host":"10.0.0.7","time":"9999-12-31T23:59:59.999999Z","level":"INFO","msg":"far"}"##,
    ];
    older_redis: Tcp [
        b"[1234] 22 Nov 19:00:00.123 # Server started\n",
        b"[1234] 22 Nov 19:00:00.123 * Ready\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[1234] 22 Nov 19:00:00.123 # Server started"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"[1234] 22 Nov 19:00:00.123 * Ready"}"##,
    ];
    levels_behind_a_time: Tcp [
        b"2026-11-22T19:00:00.123Z\terror\tboom\t{\"n\":1}\n",
        b"2026-11-22T19:00:00.123Z - error: boom\n",
        b"2026-11-22 19:00:00 warn: slow\n",
        b"2026-11-22T19:00:00.123Z warn shop: slow\n",
        b"2026-11-22T19:00:00Z E! [outputs.influxdb] boom\n",
        b"2026-11-22 19:00:00 error in a module is no level\n",
        b"2026-11-22T19:00:00Z http server\n",
        b"[2026-11-22 19:00:00,123: WARNING/MainProcess] slow\n",
        b"19:00:00,123 |-WARN in ch.qos.logback.core\n",
        b"W20261122 19:00:00.123456  7 a.cc:7] slow\n",
        b"cache/ERROR/7 is a path\n",
        b"W2026112 19:00:00 is no date\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22T19:00:00.123Z\terror\tboom\t{\"n\":1}"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22T19:00:00.123Z - error: boom"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:00:00 warn: slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22T19:00:00.123Z warn shop: slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22T19:00:00Z E! [outputs.influxdb] boom"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22 19:00:00 error in a module is no level"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22T19:00:00Z http server"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[2026-11-22 19:00:00,123: WARNING/MainProcess] slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"19:00:00,123 |-WARN in ch.qos.logback.core"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"W20261122 19:00:00.123456  7 a.cc:7] slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"cache/ERROR/7 is a path"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"W2026112 19:00:00 is no date"}"##,
    ];
    gunicorn_uvicorn_ruby_erlang: Tcp [
        b"[2026-11-22 19:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:8)\n",
        b"ERROR:    Exception in ASGI application\n",
        b"W, [2026-11-22T19:00:00.123456 #7]  WARN -- shop: slow\n",
        b"F, [2026-11-22T19:00:00.123456 #7] FATAL -- : x\n",
        b"2026-11-22 19:00:00.123456+00:00 [warning] <0.7.0> slow\n",
        b"=ERROR REPORT==== 22-Nov-2026::19:00:00.123 ===\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"[2026-11-22 19:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:8)"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"ERROR:    Exception in ASGI application"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"W, [2026-11-22T19:00:00.123456 #7]  WARN -- shop: slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"F, [2026-11-22T19:00:00.123456 #7] FATAL -- : x"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:00:00.123456+00:00 [warning] <0.7.0> slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"=ERROR REPORT==== 22-Nov-2026::19:00:00.123 ==="}"##,
    ];
    events_of_windows: Tcp [
        b"{\"ProviderName\":\"Service Control Manager\",\"EventID\":7036,\"Level\":4,\"TimeCreated\":\"2026-11-22 19:00:00 +0000\",\"Computer\":\"win1\",\"Channel\":\"System\",\"Message\":\"running\"}\n",
        b"{\"ProviderName\":\"Disk\",\"EventID\":\"7\",\"Level\":\"3\",\"TimeCreated\":\"2026-11-22T19:00:00.5Z\",\"Computer\":\"win1\",\"Channel\":\"System\",\"Description\":\"bad block\"}\n",
    ] => [
        r##"{"app":"Service Control Manager","host":"win1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","target":"System","msg":"running","kv":{"EventID":7036}}"##,
        r##"{"app":"Disk","host":"win1","time":"2026-11-22T19:00:00.500000Z","level":"WARN","target":"System","msg":"bad block","kv":{"EventID":"7"}}"##,
    ];
    falco_and_syslog_ng: Tcp [
        b"{\"output\":\"19:00:00.123: shell\",\"priority\":\"Critical\",\"rule\":\"r\",\"time\":\"2026-11-22T19:00:00.123456789Z\",\"output_fields\":{\"a\":1}}\n",
        b"{\"PROGRAM\":\"sshd\",\"PRIORITY\":\"err\",\"PID\":\"12\",\"MESSAGE\":\"boom\",\"HOST\":\"web1\",\"FACILITY\":\"auth\"}\n",
        b"{\"PRIORITY\":\"3\",\"MESSAGE\":\"boom\",\"HOSTNAME\":\"web1\",\"SYSLOG_IDENTIFIER\":\"cron\",\"PID\":\"12\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123456Z","level":"ERROR","msg":"19:00:00.123: shell","kv":{"severity":"Critical","rule":"r","output_fields":{"a":1}}}"##,
        r##"{"app":"sshd","host":"web1","pid":12,"time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"boom","kv":{"FACILITY":"auth"}}"##,
        r##"{"app":"cron","host":"web1","pid":12,"time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"boom"}"##,
    ];
    lines_that_shippers_carry: Tcp [
        b"{\"message\":\"2026-11-22 19:00:00 ERROR boom\",\"host\":\"x\",\"timestamp\":\"2026-11-22T19:00:00Z\",\"source_type\":\"file\"}\n",
        b"{\"line\":\"WARN slow\",\"source\":\"stdout\",\"tag\":\"shop\"}\n",
        b"{\"message\":\"ERROR in a sentence\",\"level\":\"info\"}\n",
        b"{\"@timestamp\":\"2026-11-22T19:00:00Z\",\"time\":0.35,\"message\":\"GET / 200\"}\n",
    ] => [
        r##"{"host":"x","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"2026-11-22 19:00:00 ERROR boom","kv":{"source_type":"file"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"WARN slow","kv":{"source":"stdout","tag":"shop"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"ERROR in a sentence"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"GET / 200","kv":{"time":0.35}}"##,
    ];
    tags_and_levels_in_capitals: Tcp [
        b"<11>Nov 22 19:00:00 ERROR: disk full\n",
        b"<14>Nov 22 19:00:00 VPN: tunnel down\n",
        b"ERRO[0000] boom  n=1\n",
        b"stats: OK=5 ERROR=0 WARN=0\n",
        b"PROXY backend down\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"ERROR: disk full","kv":{"facility":"user","zone":"assumed"}}"##,
        r##"{"app":"VPN","host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"tunnel down","kv":{"facility":"user","zone":"assumed"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"ERRO[0000] boom  n=1"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"stats: OK=5 ERROR=0 WARN=0"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"PROXY backend down"}"##,
    ];
}
