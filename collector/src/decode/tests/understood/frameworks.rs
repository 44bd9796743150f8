//! Frameworks, databases and servers: what each sends as JSON or as lines, and the records of it.

use super::rows;

rows! {
    journald: Tcp [
        b"{\"__REALTIME_TIMESTAMP\":\"1795374000000000\",\"PRIORITY\":\"3\",\"MESSAGE\":[72,105,32,27,91,51,49,109,33,13],\"_PID\":\"12\",\"_HOSTNAME\":\"vm1\",\"SYSLOG_IDENTIFIER\":\"cron\"}\n",
        b"{\"__REALTIME_TIMESTAMP\":\"1795374000000000\",\"PRIORITY\":\"6\",\"MESSAGE\":null,\"_HOSTNAME\":\"vm1\",\"SYSLOG_IDENTIFIER\":\"cron\"}\n",
        b"{\"__REALTIME_TIMESTAMP\":\"1795374000000000\",\"PRIORITY\":\"6\",\"MESSAGE\":\"x\",\"_HOSTNAME\":\"vm1\",\"SYSLOG_IDENTIFIER\":[\"cron\",\"cron\"]}\n",
        b"{\"__REALTIME_TIMESTAMP\":\"1795374000000000\",\"MESSAGE\":[99,233],\"_HOSTNAME\":\"vm1\"}\n",
    ] => [
        r##"{"app":"cron","host":"vm1","pid":12,"time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"Hi \u001b[31m!\r"}"##,
        r##"{"app":"cron","host":"vm1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"","kv":{"MESSAGE":null}}"##,
        r##"{"app":"cron","host":"vm1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"x"}"##,
        r##"{"host":"vm1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"c\\xe9","kv":{"invalid_utf8":1}}"##,
    ];
    monolog: Tcp [
        b"{\"message\":\"cache miss\",\"context\":{\"key\":\"a\"},\"level\":100,\"level_name\":\"DEBUG\",\"channel\":\"shop\",\"datetime\":\"2026-11-22T19:00:00.123456+00:00\",\"extra\":{}}\n",
        b"{\"message\":\"slow\",\"context\":{},\"level\":300,\"level_name\":\"WARNING\",\"channel\":\"shop\",\"datetime\":\"2026-11-22T19:00:00.123456+00:00\",\"extra\":[]}\n",
        b"{\"message\":\"down\",\"context\":{},\"level\":550,\"level_name\":\"ALERT\",\"channel\":\"shop\",\"datetime\":\"2026-11-22T20:00:00+01:00\",\"extra\":[]}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123456Z","level":"DEBUG","target":"shop","msg":"cache miss","kv":{"context":{"key":"a"},"level":100,"extra":{}}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123456Z","level":"WARN","target":"shop","msg":"slow","kv":{"context":{},"level":300,"extra":[]}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","target":"shop","msg":"down","kv":{"severity":"ALERT","context":{},"level":550,"extra":[]}}"##,
    ];
    symfony_and_laravel_lines: Tcp [
        b"[2026-11-22 19:00:00] production.ERROR: boom {\"exception\":\"x\"}\n",
        b"[2026-11-22T19:00:00.123456+00:00] app.WARNING: slow [] []\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"[2026-11-22 19:00:00] production.ERROR: boom {\"exception\":\"x\"}"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[2026-11-22T19:00:00.123456+00:00] app.WARNING: slow [] []"}"##,
    ];
    colours_in_json: Tcp [
        b"{\"level\":\"\\u001b[33mwarn\\u001b[39m\",\"message\":\"slow\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"slow"}"##,
    ];
    colours_in_lines: Tcp [
        b"\x1b[33mWARN\x1b[0m shop: slow\n",
        b"2026-11-22T19:00:00.000Z\t\x1b[31mERROR\x1b[0m\tshop/a.go:7\tboom\n",
        b"\x1b[2m2026-11-22T19:00:00.123456Z\x1b[0m \x1b[33m WARN\x1b[0m \x1b[2mshop\x1b[0m\x1b[2m:\x1b[0m slow\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"\u001b[33mWARN\u001b[0m shop: slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22T19:00:00.000Z\t\u001b[31mERROR\u001b[0m\tshop/a.go:7\tboom"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"\u001b[2m2026-11-22T19:00:00.123456Z\u001b[0m \u001b[33m WARN\u001b[0m \u001b[2mshop\u001b[0m\u001b[2m:\u001b[0m slow"}"##,
    ];
    dotnet_console: Tcp [
        b"{\"EventId\":0,\"LogLevel\":\"Warning\",\"Category\":\"Shop.Orders\",\"Message\":\"order 7 is late\",\"State\":{\"{OriginalFormat}\":\"order {n} is late\",\"n\":7}}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","target":"Shop.Orders","msg":"order 7 is late","kv":{"EventId":0,"State":{"{OriginalFormat}":"order {n} is late","n":7}}}"##,
    ];
    dotnet_console_lines: Tcp [
        b"\x1b[40m\x1b[1m\x1b[33mwarn\x1b[39m\x1b[22m\x1b[49m: Shop.Orders[0]\n",
        b"fail: Shop.Orders[0]\n",
        b"dbug: Shop.Orders[0]\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"\u001b[40m\u001b[1m\u001b[33mwarn\u001b[39m\u001b[22m\u001b[49m: Shop.Orders[0]"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"fail: Shop.Orders[0]"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"DEBUG","msg":"dbug: Shop.Orders[0]"}"##,
    ];
    serilog_json: Tcp [
        b"{\"Timestamp\":\"2026-11-22T19:00:00.5184494Z\",\"Level\":\"Error\",\"MessageTemplate\":\"order {n} failed\",\"RenderedMessage\":\"order 7 failed\",\"Properties\":{\"n\":7}}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.518449Z","level":"ERROR","msg":"order 7 failed","kv":{"MessageTemplate":"order {n} failed","Properties":{"n":7}}}"##,
    ];
    serilog_lines: Tcp [
        b"[19:00:00 WRN] slow\n",
        b"[19:00:00 FTL] dead\n",
        b"2026-11-22 19:00:00.123 +01:00 [ERR] boom\n",
        b"[19:00:00 DBG] detail\n",
        b"[19:00:00 INF] up\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[19:00:00 WRN] slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"[19:00:00 FTL] dead"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22 19:00:00.123 +01:00 [ERR] boom"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"DEBUG","msg":"[19:00:00 DBG] detail"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"[19:00:00 INF] up"}"##,
    ];
    nxlog: Tcp [
        b"{\"EventTime\":\"2026-11-22 19:00:00\",\"Hostname\":\"win1.example\",\"EventType\":\"AUDIT_FAILURE\",\"SeverityValue\":4,\"Severity\":\"ERROR\",\"EventID\":4625,\"SourceName\":\"Security-Auditing\",\"ProcessID\":612,\"Channel\":\"Security\",\"Message\":\"An account failed to log on.\"}\n",
    ] => [
        r##"{"app":"Security-Auditing","host":"win1.example","pid":612,"time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"An account failed to log on.","kv":{"zone":"assumed","EventType":"AUDIT_FAILURE","SeverityValue":4,"EventID":4625,"Channel":"Security"}}"##,
    ];
    nlog_and_log4net: Tcp [
        b"2026-11-22 19:00:00.1234|WARN|Shop.Orders|slow\n",
        b"2026-11-22 19:00:00,123 [1] ERROR Shop - boom\n",
        b"{\"time\":\"2026-11-22 19:00:00.1234\",\"level\":\"Warn\",\"logger\":\"Shop\",\"message\":\"slow\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:00:00.1234|WARN|Shop.Orders|slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22 19:00:00,123 [1] ERROR Shop - boom"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123400Z","level":"WARN","target":"Shop","msg":"slow","kv":{"zone":"assumed"}}"##,
    ];
    flexi_logger: Tcp [
        b"{\"level\":\"WARN\",\"timestamp\":\"2026-11-22 19:00:00.123456 +00:00\",\"thread\":\"main\",\"module_path\":\"shop::orders\",\"file\":\"src/orders.rs\",\"line\":7,\"kv\":{\"n\":1},\"text\":\"order 7 is late\"}\n",
        b"[2026-11-22 19:00:00.123456 +00:00] WARN [shop::orders] src/orders.rs:7: order 7 is late\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123456Z","level":"WARN","target":"shop::orders","file":"src/orders.rs","line":7,"thread":"main","msg":"order 7 is late","kv":{"n":1}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[2026-11-22 19:00:00.123456 +00:00] WARN [shop::orders] src/orders.rs:7: order 7 is late"}"##,
    ];
    env_logger_and_fern: Tcp [
        b"[2026-11-22T19:00:00Z WARN  shop] slow\n",
        b"[2026-11-22][19:00:00][shop][ERROR] boom\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[2026-11-22T19:00:00Z WARN  shop] slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"[2026-11-22][19:00:00][shop][ERROR] boom"}"##,
    ];
    emit: Tcp [
        b"{\"ts\":\"2026-11-22T19:00:00.5Z\",\"mdl\":\"shop::orders\",\"msg\":\"order 7 is late\",\"tpl\":\"order {n} is late\",\"lvl\":\"warn\",\"n\":7}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"WARN","target":"shop::orders","msg":"order 7 is late","kv":{"tpl":"order {n} is late","n":7}}"##,
    ];
    docker_json_file: Tcp [
        b"{\"log\":\"{\\\"level\\\":\\\"error\\\",\\\"msg\\\":\\\"boom\\\",\\\"n\\\":1}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-22T19:00:00.5Z\"}\n",
        b"{\"log\":\"2026-11-22 19:00:00 WARN shop - slow\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T19:00:00.5Z\"}\n",
        b"{\"log\":\"time=\\\"2026-11-22T19:00:00Z\\\" level=info msg=\\\"up\\\"\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-22T19:00:00.5Z\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"ERROR","msg":"boom","kv":{"stream":"stderr","n":1}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"WARN","msg":"2026-11-22 19:00:00 WARN shop - slow","kv":{"stream":"stdout"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"INFO","msg":"time=\"2026-11-22T19:00:00Z\" level=info msg=\"up\"","kv":{"stream":"stderr"}}"##,
    ];
    grafana: Tcp [
        b"t=2026-11-22T19:00:00+0000 lvl=eror msg=\"Server shutdown\" logger=server\n",
        b"{\"t\":\"2026-11-22T19:00:00Z\",\"lvl\":\"eror\",\"msg\":\"x\"}\n",
        b"{\"t\":\"2026-11-22T19:00:00Z\",\"lvl\":\"dbug\",\"msg\":\"x\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"t=2026-11-22T19:00:00+0000 lvl=eror msg=\"Server shutdown\" logger=server"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"x"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"DEBUG","msg":"x"}"##,
    ];
    letters_for_levels: Tcp [
        b"2026-11-22T19:00:00.123+0000 E NETWORK  [conn7] boom\n11-22 19:00:00.123  1234  5678 W Shop: late\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22T19:00:00.123+0000 E NETWORK  [conn7] boom"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"11-22 19:00:00.123  1234  5678 W Shop: late"}"##,
    ];
    postgresql_hint: Tcp [
        b"2026-11-22 19:00:00.123 UTC [4242] HINT:  an ERROR is near\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22 19:00:00.123 UTC [4242] HINT:  an ERROR is near"}"##,
    ];
    traces: Tcp [
        b"{\"ts\":\"2026-11-22T19:00:00.5Z\",\"mdl\":\"shop\",\"msg\":\"late\",\"lvl\":\"error\",\"trace_id\":\"4bf9\",\"span_id\":\"00f0\"}\n",
        b"{\"@timestamp\":\"2026-11-22T19:00:00Z\",\"message\":\"late\",\"trace.id\":\"4bf9\",\"span.id\":\"00f0\"}\n",
        b"{\"@t\":\"2026-11-22T19:00:00Z\",\"@mt\":\"late\",\"@tr\":\"4bf9\",\"@sp\":\"00f0\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"ERROR","target":"shop","msg":"late","trace":"4bf9","span":"00f0"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","trace":"4bf9","span":"00f0"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","trace":"4bf9","span":"00f0"}"##,
    ];
    winston_slog_and_victorialogs: Tcp [
        b"{\"level\":\"error\",\"message\":\"boom\",\"service\":\"shop\"}\n",
        b"{\"msg\":\"late\",\"level\":\"WARN\",\"ts\":\"2026-11-22T19:00:00Z\",\"module\":\"shop\"}\n",
        b"{\"_time\":\"2026-11-22T19:00:00Z\",\"_msg\":\"late\",\"level\":\"warn\"}\n",
    ] => [
        r##"{"app":"shop","host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"boom"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"WARN","target":"shop","msg":"late"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"late"}"##,
    ];
    apache_error_log: Tcp [
        b"[Sun Nov 22 19:00:00.902022 2026] [core:error] [pid 7:tid 8] [client 192.0.2.9:5] File does not exist: /x\n",
        b"[Sun Nov 22 19:00:00.902022 2026] [:error] [pid 7] x\n",
        b"[Sun Nov 22 19:00:00.902022 2026] [rewrite:trace3] [pid 7] x\n",
        b"[Sun Nov 22 19:00:00.902022 2026] [mpm_event:notice] [pid 7] resuming\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"[Sun Nov 22 19:00:00.902022 2026] [core:error] [pid 7:tid 8] [client 192.0.2.9:5] File does not exist: /x"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"[Sun Nov 22 19:00:00.902022 2026] [:error] [pid 7] x"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"TRACE","msg":"[Sun Nov 22 19:00:00.902022 2026] [rewrite:trace3] [pid 7] x"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"[Sun Nov 22 19:00:00.902022 2026] [mpm_event:notice] [pid 7] resuming"}"##,
    ];
    access_logs: Tcp [
        b"192.0.2.9 - - [22/Nov/2026:19:00:00 +0000] \"GET /explore?level=error HTTP/1.1\" 200 512\n",
        b"192.0.2.9 \"GET /x?severity=critical&n=1 HTTP/1.1\" 200\n",
        b"\"GET /ERROR HTTP/1.1\" 200\n",
        b"caller=sync.go:605 err=null method=Sync\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"192.0.2.9 - - [22/Nov/2026:19:00:00 +0000] \"GET /explore?level=error HTTP/1.1\" 200 512"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"192.0.2.9 \"GET /x?severity=critical&n=1 HTTP/1.1\" 200"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"\"GET /ERROR HTTP/1.1\" 200"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"caller=sync.go:605 err=null method=Sync"}"##,
    ];
    klog: Tcp [
        b"I1122 19:00:00.385780       1 trace.go:897] Failed loading config\n",
        b"E1122 19:00:00.385780       1 a.go:1] boom\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"I1122 19:00:00.385780       1 trace.go:897] Failed loading config"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"E1122 19:00:00.385780       1 a.go:1] boom"}"##,
    ];
    a_byte_of_latin_1: Tcp [
        b"{\"level\":\"error\",\"logger\":\"shop\",\"msg\":\"Estagi\xe1rio visualizou\",\"n\":7}\n",
        b"{\"version\":\"1.1\",\"host\":\"vm1\",\"short_message\":\"caf\xe9\",\"level\":3}\x00",
        b"{\"msg\":\"cut \\ud83d\",\"level\":\"warn\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","target":"shop","msg":"Estagi\\xe1rio visualizou","kv":{"n":7,"invalid_utf8":1}}"##,
        r##"{"host":"vm1","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"caf\\xe9","kv":{"invalid_utf8":1}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"cut �"}"##,
    ];
    loguru: Tcp [
        b"{\"text\":\"2026-11-22 | WARNING | slow\\n\",\"record\":{\"elapsed\":{\"repr\":\"0:00:01\",\"seconds\":1.0},\"exception\":null,\"extra\":{\"n\":1},\"file\":{\"name\":\"a.py\",\"path\":\"/srv/a.py\"},\"function\":\"f\",\"level\":{\"icon\":\"x\",\"name\":\"WARNING\",\"no\":30},\"line\":7,\"message\":\"slow\",\"module\":\"a\",\"name\":\"shop\",\"process\":{\"id\":12,\"name\":\"MainProcess\"},\"thread\":{\"id\":1,\"name\":\"MainThread\"},\"time\":{\"repr\":\"2026-11-22 19:00:00.5+00:00\",\"timestamp\":1795374000.5}}}\n",
        b"2026-11-22 19:00:00.123 | WARNING  | shop:f:7 - slow\n",
    ] => [
        r##"{"host":"10.0.0.7","pid":12,"time":"2026-11-22T19:00:00.500000Z","level":"WARN","target":"shop","file":"/srv/a.py","line":7,"thread":"MainThread","msg":"slow","kv":{"text":"2026-11-22 | WARNING | slow\n","record.elapsed":{"repr":"0:00:01","seconds":1.0},"record.exception":null,"record.extra":{"n":1},"record.file.name":"a.py","record.function":"f","record.level.icon":"x","record.level.no":30,"record.module":"a","record.process.name":"MainProcess","record.thread.id":1,"record.time.repr":"2026-11-22 19:00:00.5+00:00"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:00:00.123 | WARNING  | shop:f:7 - slow"}"##,
    ];
    structlog_lines: Tcp [
        b"2026-11-22 19:00:00 [warning  ] slow                           n=1\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:00:00 [warning  ] slow                           n=1"}"##,
    ];
    quarkus: Tcp [
        b"{\"timestamp\":\"2026-11-22T20:00:00.123+01:00\",\"sequence\":1,\"loggerClassName\":\"org.jboss.logging.Logger\",\"loggerName\":\"shop.Orders\",\"level\":\"WARN\",\"message\":\"slow\",\"threadName\":\"main\",\"threadId\":1,\"mdc\":{},\"ndc\":\"\",\"hostName\":\"web1\",\"processName\":\"java\",\"processId\":12}\n",
        b"2026-11-22 19:00:00,123 WARN  [shop.Orders] (main) slow\n",
    ] => [
        r##"{"host":"web1","pid":12,"time":"2026-11-22T19:00:00.123000Z","level":"WARN","target":"shop.Orders","thread":"main","msg":"slow","kv":{"sequence":1,"loggerClassName":"org.jboss.logging.Logger","threadId":1,"mdc":{},"ndc":"","processName":"java"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:00:00,123 WARN  [shop.Orders] (main) slow"}"##,
    ];
    spring_ecs: Tcp [
        b"{\"@timestamp\":\"2026-11-22T19:00:00.123Z\",\"log\":{\"level\":\"WARN\",\"logger\":\"shop.Orders\"},\"process\":{\"pid\":12,\"thread\":{\"name\":\"main\"}},\"service\":{\"name\":\"shop\",\"version\":\"1\",\"environment\":\"prod\"},\"message\":\"slow\",\"ecs\":{\"version\":\"8.11\"}}\n",
    ] => [
        r##"{"app":"shop","host":"10.0.0.7","pid":12,"time":"2026-11-22T19:00:00.123000Z","level":"WARN","target":"shop.Orders","thread":"main","msg":"slow","kv":{"service.version":"1","service.environment":"prod","ecs":{"version":"8.11"}}}"##,
    ];
    tomcat: Tcp [
        b"22-Nov-2026 19:00:00.123 SEVERE [main] org.apache.catalina.core.X.start boom\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"22-Nov-2026 19:00:00.123 SEVERE [main] org.apache.catalina.core.X.start boom"}"##,
    ];
    mongodb: Tcp [
        b"{\"t\":{\"$date\":\"2026-11-22T20:00:00.123+01:00\"},\"s\":\"W\",\"c\":\"NETWORK\",\"id\":23016,\"ctx\":\"conn1\",\"msg\":\"Slow\",\"attr\":{\"n\":1}}\n",
        b"{\"t\":{\"$date\":\"2026-11-22T19:00:00.123Z\"},\"s\":\"D2\",\"c\":\"-\",\"id\":1,\"ctx\":\"x\",\"msg\":\"d\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"WARN","target":"NETWORK","thread":"conn1","msg":"Slow","kv":{"id":23016,"attr":{"n":1}}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"DEBUG","target":"-","thread":"x","msg":"d","kv":{"severity":"D2","id":1}}"##,
    ];
    postgresql: Tcp [
        b"2026-11-22 19:00:00.123 UTC [123] ERROR:  relation \"x\" does not exist\n",
        b"2026-11-22 19:00:00.123 UTC [123] LOG:  checkpoint\n",
        b"2026-11-22 19:00:00.123 UTC [123] FATAL:  no\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22 19:00:00.123 UTC [123] ERROR:  relation \"x\" does not exist"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22 19:00:00.123 UTC [123] LOG:  checkpoint"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22 19:00:00.123 UTC [123] FATAL:  no"}"##,
    ];
    mysql: Tcp [
        b"2026-11-22T19:00:00.123456Z 0 [Warning] [MY-010068] [Server] CA certificate\n",
        b"2026-11-22T19:00:00.123456Z 0 [Note] x\n",
        b"2026-11-22T19:00:00.123456Z 0 [ERROR] [MY-1] [Server] x\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22T19:00:00.123456Z 0 [Warning] [MY-010068] [Server] CA certificate"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22T19:00:00.123456Z 0 [Note] x"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026-11-22T19:00:00.123456Z 0 [ERROR] [MY-1] [Server] x"}"##,
    ];
    redis: Tcp [
        b"1:M 22 Nov 2026 19:00:00.123 # WARNING overcommit_memory is set to 0\n",
        b"12:C 22 Nov 2026 19:00:00.123 * Ready\n",
        b"1:M 22 Nov 2026 19:00:00.123 - accepted\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"1:M 22 Nov 2026 19:00:00.123 # WARNING overcommit_memory is set to 0"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"12:C 22 Nov 2026 19:00:00.123 * Ready"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"DEBUG","msg":"1:M 22 Nov 2026 19:00:00.123 - accepted"}"##,
    ];
    nginx: Tcp [
        b"2026/11/22 19:00:00 [error] 12#12: *1 open() failed\n",
        b"2026/11/22 19:00:00 [warn] 12#12: x\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"2026/11/22 19:00:00 [error] 12#12: *1 open() failed"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026/11/22 19:00:00 [warn] 12#12: x"}"##,
    ];
    envoy: Tcp [
        b"[2026-11-22 19:00:00.123][12][warning][main] [source/server/server.cc:761] slow\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[2026-11-22 19:00:00.123][12][warning][main] [source/server/server.cc:761] slow"}"##,
    ];
    traefik: Tcp [
        b"{\"level\":\"error\",\"msg\":\"boom\",\"time\":\"2026-11-22T20:00:00+01:00\",\"providerName\":\"docker\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"boom","kv":{"providerName":"docker"}}"##,
    ];
    caddy: Tcp [
        b"{\"level\":\"warn\",\"ts\":1795374000.123,\"logger\":\"http.log.access\",\"msg\":\"handled request\",\"request\":{\"remote_ip\":\"192.0.2.9\",\"uri\":\"/?level=error\"},\"status\":200}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"WARN","target":"http.log.access","msg":"handled request","kv":{"request":{"remote_ip":"192.0.2.9","uri":"/?level=error"},"status":200}}"##,
    ];
    iis: Tcp [
        b"2026-11-22 19:00:00 192.0.2.1 GET /ERROR - 80 - 192.0.2.9 Mozilla/5.0 - 200 0 0 15\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026-11-22 19:00:00 192.0.2.1 GET /ERROR - 80 - 192.0.2.9 Mozilla/5.0 - 200 0 0 15"}"##,
    ];
    php: Tcp [
        b"[22-Nov-2026 19:00:00 UTC] PHP Warning:  Undefined variable $x in /srv/a.php on line 7\n",
        b"[22-Nov-2026 19:00:00 UTC] PHP Fatal error:  Uncaught\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"[22-Nov-2026 19:00:00 UTC] PHP Warning:  Undefined variable $x in /srv/a.php on line 7"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"[22-Nov-2026 19:00:00 UTC] PHP Fatal error:  Uncaught"}"##,
    ];
    hclog: Tcp [
        b"{\"@level\":\"warn\",\"@message\":\"slow\",\"@module\":\"agent\",\"@timestamp\":\"2026-11-22T20:00:00.123456+01:00\"}\n",
        b"2026-11-22T19:00:00.123Z [WARN]  agent: slow\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123456Z","level":"WARN","target":"agent","msg":"slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22T19:00:00.123Z [WARN]  agent: slow"}"##,
    ];
    google_cloud: Tcp [
        b"{\"severity\":\"NOTICE\",\"message\":\"m\",\"time\":\"2026-11-22T19:00:00.5Z\"}\n",
        b"{\"severity\":400,\"textPayload\":\"m\",\"timestamp\":\"2026-11-22T19:00:00Z\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"INFO","msg":"m","kv":{"severity":"NOTICE"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"m"}"##,
    ];
    opentelemetry: Tcp [
        b"{\"timeUnixNano\":\"1795374000500000000\",\"severityNumber\":13,\"severityText\":\"WARN2\",\"body\":\"m\"}\n",
        b"{\"timeUnixNano\":\"1795374000500000000\",\"severityNumber\":17,\"body\":\"m\"}\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"WARN","msg":"m","kv":{"severity":"WARN2","severityNumber":13}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.500000Z","level":"ERROR","msg":"m"}"##,
    ];
    python_lines: Tcp [
        b"WARNING:root:slow\n",
        b"ERROR:shop:boom\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"WARNING:root:slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"ERROR:shop:boom"}"##,
    ];
}
