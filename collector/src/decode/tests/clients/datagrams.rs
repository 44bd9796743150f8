//! Clients on UDP: the datagrams each sends, and the records of them.

type Datagrams = &'static [&'static [u8]];

/// Name, datagrams, records.
#[rustfmt::skip]
pub(super) const DATAGRAMS: &[(&str, Datagrams, &[&str])] = &[
    ("logger -d",
        &[b"<13>1 2026-11-22T18:58:24.553366+00:00 vm app - - [timeQuality tzKnown=\"1\" isSynced=\"0\"][x@1 a=\"b\"] msg"],
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T18:58:24.553366Z","level":"INFO","msg":"msg","kv":{"facility":"user","severity":"notice","timeQuality.tzKnown":"1","timeQuality.isSynced":"0","x@1.a":"b"}}"#,
        ]),
    ("omfwd zip",
        &[b"zx\xda\x8d\xc41\x11\x00 \x08\x05\xd0*?\x82\xc09\xc8yF\xb0\x83\x93\x8b\n\x13\xf9\xad\xc0\xf2:\xc9\x98\x16`\x065-\xa2R\x11\x17\xcb]q\xec\xed\x0c\x1f\xaea\x15\x9d"],
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:03:35.000000Z","level":"INFO","msg":"long long long long long long long long ","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
        ]),
    ("syslog-ng",
        &[b"<13>Nov 22 19:04:33 vm app: short one\n"],
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:04:33.000000Z","level":"INFO","msg":"short one","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
        ]),
    ("python",
        &[b"<11>udp hello\x00"],
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"udp hello","kv":{"facility":"user"}}"#,
        ]),
    ("multi-line",
        &[b"<11>Nov 22 19:04:33 vm app: Traceback:\n  File x\nValueError"],
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:04:33.000000Z","level":"ERROR","msg":"Traceback:\n  File x\nValueError","kv":{"facility":"user","zone":"assumed"}}"#,
        ]),
    ("two in one",
        &[b"<11>a\n<12>b\n"],
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"a","kv":{"facility":"user"}}"#,
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"b","kv":{"facility":"user"}}"#,
        ]),
    ("gelf",
        &[b"{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"hi\",\"level\":5}", b"x\xda\x01<\x00\xc3\xff{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"hi\",\"level\":5}B\xd8\x13\n", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01<\x00\xc3\xff{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"hi\",\"level\":5}\x94\xea\x15\xfb<\x00\x00\x00", b"\x1e\x0f\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02.1\",\"host\":\"vm\",\"short_message\":\"hi\",\"level\":5}B\xd8\x13\n", b"\x1e\x0f\x01\x02\x03\x04\x05\x06\x07\x08\x00\x02x\xda\x01<\x00\xc3\xff{\"version\":\"1", b"\x1e\x0f\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"hi\",\"level\":5}", b"\x1e\x0f\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01x\xda\x01<\x00\xc3\xff{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"hi\",\"level\":5}B\xd8\x13\n"],
        &[
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"hi","kv":{"severity":"notice"}}"#,
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"hi","kv":{"severity":"notice"}}"#,
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"hi","kv":{"severity":"notice"}}"#,
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"hi","kv":{"severity":"notice"}}"#,
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"hi","kv":{"severity":"notice"}}"#,
            r#"{"host":"vm","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"hi","kv":{"severity":"notice"}}"#,
        ]),
    ("pino",
        &[b"{\"level\":30,\"time\":1795374069622,\"pid\":2353,\"msg\":\"hi\"}\n"],
        &[
            r#"{"host":"10.0.0.7","pid":2353,"time":"2026-11-22T19:01:09.622000Z","level":"INFO","msg":"hi"}"#,
        ]),
    ("logstash",
        &[b"{\"@timestamp\": \"2026-11-22T19:00:00.123Z\", \"@version\": \"1\", \"message\": \"hi\"}"],
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"hi","kv":{"@version":"1"}}"#,
        ]),
    ("text",
        &[b"hello", b"a\nb\n"],
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"hello"}"#,
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"a"}"#,
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"b"}"#,
        ]),
];
