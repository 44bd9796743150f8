//! JSON, GELF and logstash clients on TCP: what each sends, and the records of it.

/// Name, bytes, records.
#[rustfmt::skip]
pub(super) const JSON: &[(&str, &[u8], &[&str])] = &[
    ("graypy tcp",
        b"{\"version\":\"1.0\",\"host\":\"vm\",\"short_message\":\"two\\nlines\",\"full_message\":\"two\\nlines\",\"timestamp\":1795374069.622,\"level\":4,\"facility\":\"demo\",\"_file\":\"/srv/t.py\",\"_line\":7,\"_function\":\"f\",\"_pid\":2353,\"_thread_name\":\"MainThread\",\"_process_name\":\"MainProcess\",\"_logger\":\"demo.T\"}\x00",
        &[
            r#"{"host":"vm","pid":2353,"time":"2026-11-22T19:01:09.622000Z","level":"WARN","target":"demo.T","file":"/srv/t.py","line":7,"thread":"MainThread","msg":"two\nlines","kv":{"facility":"demo","function":"f","process_name":"MainProcess"}}"#,
        ]),
    ("pygelf",
        b"{\"version\":\"1.1\",\"short_message\":\"hi\",\"host\":\"vm\",\"timestamp\":1795374069.1234567,\"level\":6,\"_logger_name\":\"demo\",\"_user\":\"u\"}\x00{\"version\":\"1.1\",\"short_message\":\"ho\",\"host\":\"vm\",\"level\":3,\"full_message\":\"Traceback: x\"}\x00",
        &[
            r#"{"host":"vm","time":"2026-11-22T19:01:09.123456Z","level":"INFO","target":"demo","msg":"hi","kv":{"user":"u"}}"#,
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"ho","kv":{"full_message":"Traceback: x"}}"#,
        ]),
    ("GELF, pretty-printed",
        b"{\n  \"version\": \"1.1\",\n  \"host\": \"vm\",\n  \"short_message\": \"hi\",\n  \"level\": 1,\n  \"_a\": { \"b\": 1 }\n}\x00",
        &[
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"hi","kv":{"severity":"alert","a":{"b":1}}}"#,
        ]),
    ("log4j2 GelfLayout",
        b"{\"version\":\"1.1\",\"host\":\"vm\",\"timestamp\":1795374283.266,\"level\":4,\"_thread\":\"main\",\"_logger\":\"demo.T\",\"short_message\":\"java hello\"}\x00",
        &[
            r#"{"host":"vm","time":"2026-11-22T19:04:43.266000Z","level":"WARN","target":"demo.T","thread":"main","msg":"java hello"}"#,
        ]),
    ("log4j2 JsonLayout, CRLF",
        b"{\"instant\":{\"epochSecond\":1795374283,\"nanoOfSecond\":266123456},\"thread\":\"main\",\"level\":\"FATAL\",\"loggerName\":\"demo.T\",\"message\":\"java hello\",\"endOfBatch\":false,\"loggerFqcn\":\"x\",\"threadId\":1,\"threadPriority\":5}\r\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:04:43.266123Z","level":"ERROR","target":"demo.T","thread":"main","msg":"java hello","kv":{"severity":"FATAL","endOfBatch":false,"loggerFqcn":"x","threadId":1,"threadPriority":5}}"#,
        ]),
    ("log4j2 ECS",
        b"{\"@timestamp\":\"2026-11-22T19:04:43.266Z\",\"log.level\":\"WARN\",\"message\":\"m\",\"ecs.version\":\"1.2.0\",\"service.name\":\"shop\",\"process.thread.name\":\"main\",\"log.logger\":\"a.B\",\"log\":{\"origin\":{\"file\":{\"name\":\"B.java\",\"line\":9},\"function\":\"f\"}}}\n",
        &[
            r#"{"app":"shop","host":"10.0.0.7","time":"2026-11-22T19:04:43.266000Z","level":"WARN","target":"a.B","file":"B.java","line":9,"thread":"main","msg":"m","kv":{"ecs.version":"1.2.0","log.origin.function":"f"}}"#,
        ]),
    ("log4j2 PatternLayout",
        b"2026-11-22 19:04:43,266 WARN demo.T - java hello\nsecond line\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22 19:04:43,266 WARN demo.T - java hello"}"#,
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"second line"}"#,
        ]),
    ("python-logstash",
        b"{\"@timestamp\": \"2026-11-22T19:00:00.123Z\", \"@version\": \"1\", \"message\": \"hi\", \"host\": \"vm\", \"path\": \"t.py\", \"tags\": [], \"type\": \"logstash\", \"level\": \"WARNING\", \"logger_name\": \"demo\", \"stack_info\": null}\n",
        &[
            r#"{"host":"vm","time":"2026-11-22T19:00:00.123000Z","level":"WARN","target":"demo","msg":"hi","kv":{"@version":"1","path":"t.py","tags":[],"type":"logstash","stack_info":null}}"#,
        ]),
    ("python-logstash-async",
        b"{\"@timestamp\": \"2026-11-22T19:00:00.123Z\", \"@version\": \"1\", \"host\": \"vm\", \"level\": \"ERROR\", \"logsource\": \"vm\", \"message\": \"hi\", \"pid\": 2539, \"program\": \"t.py\", \"type\": \"python-logstash\", \"extra\": {\"logger_name\": \"demo\", \"line\": 3}}\n",
        &[
            r#"{"app":"t.py","host":"vm","pid":2539,"time":"2026-11-22T19:00:00.123000Z","level":"ERROR","target":"demo","line":3,"msg":"hi","kv":{"@version":"1","logsource":"vm","type":"python-logstash"}}"#,
        ]),
    ("pino",
        b"{\"level\":30,\"time\":1795374069622,\"pid\":2353,\"hostname\":\"vm\",\"msg\":\"hi\",\"reqId\":7}\n",
        &[
            r#"{"host":"vm","pid":2353,"time":"2026-11-22T19:01:09.622000Z","level":"INFO","msg":"hi","kv":{"reqId":7}}"#,
        ]),
    ("bunyan",
        b"{\"name\":\"b\",\"hostname\":\"vm\",\"pid\":2353,\"level\":60,\"msg\":\"hi\",\"time\":\"2026-11-22T19:01:09.622Z\",\"v\":0}\n",
        &[
            r#"{"app":"b","host":"vm","pid":2353,"time":"2026-11-22T19:01:09.622000Z","level":"ERROR","msg":"hi","kv":{"severity":"fatal","v":0}}"#,
        ]),
    ("winston",
        b"{\"level\":\"silly\",\"message\":\"hi\",\"timestamp\":\"2026-11-22T19:01:09.622Z\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:01:09.622000Z","level":"TRACE","msg":"hi","kv":{"severity":"silly"}}"#,
        ]),
    ("zerolog",
        b"{\"level\":\"info\",\"time\":1795374069,\"caller\":\"/a/main.go:42\",\"error\":\"boom\",\"message\":\"hi\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:01:09.000000Z","level":"INFO","file":"/a/main.go","line":42,"msg":"hi","kv":{"error":"boom"}}"#,
        ]),
    ("zap",
        b"{\"level\":\"dpanic\",\"ts\":1795374069.6221,\"logger\":\"a.b\",\"caller\":\"a/b.go:7\",\"msg\":\"hi\",\"stacktrace\":\"x\\ny\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:01:09.622100Z","level":"ERROR","target":"a.b","file":"a/b.go","line":7,"msg":"hi","kv":{"severity":"dpanic","stacktrace":"x\ny"}}"#,
        ]),
    ("Go log/slog",
        b"{\"time\":\"2026-11-22T19:01:09.622123456+01:00\",\"level\":\"INFO+2\",\"source\":{\"function\":\"main.f\",\"file\":\"/a/main.go\",\"line\":12},\"msg\":\"hi\",\"a\":{\"b\":1}}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T18:01:09.622123Z","level":"INFO","file":"/a/main.go","line":12,"msg":"hi","kv":{"severity":"INFO+2","source.function":"main.f","a":{"b":1}}}"#,
        ]),
    ("logrus",
        b"{\"file\":\"/a/main.go:42\",\"func\":\"main.f\",\"level\":\"panic\",\"msg\":\"hi\",\"time\":\"2026-11-22T19:01:09Z\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:01:09.000000Z","level":"ERROR","file":"/a/main.go","line":42,"msg":"hi","kv":{"severity":"panic","func":"main.f"}}"#,
        ]),
    ("Rust slog-json",
        b"{\"msg\":\"hi\",\"level\":\"WARN\",\"ts\":\"2026-11-22T19:01:09.622123456Z\",\"k\":1}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:01:09.622123Z","level":"WARN","msg":"hi","kv":{"k":1}}"#,
        ]),
    ("tracing-subscriber json",
        b"{\"timestamp\":\"2026-11-22T19:01:09.622123Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"hi\",\"user\":7},\"target\":\"a::b\",\"filename\":\"src/b.rs\",\"line_number\":9,\"span\":{\"name\":\"req\",\"id\":3},\"spans\":[{\"name\":\"req\"}],\"threadId\":\"ThreadId(1)\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:01:09.622123Z","level":"INFO","target":"a::b","file":"src/b.rs","line":9,"thread":"ThreadId(1)","msg":"hi","kv":{"user":7,"span.id":3,"spans":[{"name":"req"}]},"span":"req"}"#,
        ]),
    ("logstash-logback-encoder",
        b"{\"@timestamp\":\"2026-11-22T19:01:09.622+01:00\",\"@version\":\"1\",\"message\":\"hi\",\"logger_name\":\"a.B\",\"thread_name\":\"main\",\"level\":\"ERROR\",\"level_value\":40000,\"stack_trace\":\"java.lang.X\\n\\tat a\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T18:01:09.622000Z","level":"ERROR","target":"a.B","thread":"main","msg":"hi","kv":{"@version":"1","level_value":40000,"stack_trace":"java.lang.X\n\tat a"}}"#,
        ]),
    ("python-json-logger",
        b"{\"asctime\": \"2026-11-22 19:04:43,266\", \"name\": \"demo\", \"levelname\": \"CRITICAL\", \"levelno\": 50, \"message\": \"hi\", \"filename\": \"t.py\", \"lineno\": 3, \"exc_info\": \"Traceback\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:04:43.266000Z","level":"ERROR","target":"demo","file":"t.py","line":3,"msg":"hi","kv":{"severity":"CRITICAL","zone":"assumed","levelno":50,"exc_info":"Traceback"}}"#,
        ]),
    ("structlog",
        b"{\"event\": \"hi\", \"level\": \"warning\", \"timestamp\": \"2026-11-22T19:04:43.1Z\", \"logger\": \"x\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:04:43.100000Z","level":"WARN","target":"x","msg":"hi"}"#,
        ]),
    ("journalctl -o json",
        b"{\"__REALTIME_TIMESTAMP\":\"1795374069622123\",\"PRIORITY\":\"3\",\"MESSAGE\":\"hi\",\"_PID\":\"12\",\"_HOSTNAME\":\"vm\",\"SYSLOG_IDENTIFIER\":\"cron\"}\n",
        &[
            r#"{"app":"cron","host":"vm","pid":12,"time":"2026-11-22T19:01:09.622123Z","level":"ERROR","msg":"hi"}"#,
        ]),
    ("Serilog CLEF",
        b"{\"@t\":\"2026-11-22T19:04:43.1Z\",\"@mt\":\"Hi {n}\",\"@l\":\"Warning\",\"n\":1}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:04:43.100000Z","level":"WARN","msg":"Hi {n}","kv":{"n":1}}"#,
        ]),
    ("Docker json-file",
        b"{\"log\":\"hi\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T19:04:43.123456789Z\"}\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:04:43.123456Z","level":"INFO","msg":"hi","kv":{"stream":"stdout"}}"#,
        ]),
];
