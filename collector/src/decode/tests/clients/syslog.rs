//! Syslog and text clients on TCP: what each sends, and the records of it.

/// Name, bytes, records.
#[rustfmt::skip]
pub(super) const SYSLOG: &[(&str, &[u8], &[&str])] = &[
    ("logger --rfc3164",
        b"<13>Nov 22 18:58:24 vm app: msg\n",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T18:58:24.000000Z","level":"INFO","msg":"msg","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
        ]),
    ("logger",
        b"<13>1 2026-11-22T18:58:24.553366+00:00 vm app - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] msg\n",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T18:58:24.553366Z","level":"INFO","msg":"msg","kv":{"facility":"user","severity":"notice","timeQuality.tzKnown":"1","timeQuality.isSynced":"0"}}"#,
        ]),
    ("logger -T --octet-count",
        b"92 <13>1 2026-11-22T18:58:24.553366+00:00 vm app - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] one92 <13>1 2026-11-22T18:58:24.553401+00:00 vm app - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] two",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T18:58:24.553366Z","level":"INFO","msg":"one","kv":{"facility":"user","severity":"notice","timeQuality.tzKnown":"1","timeQuality.isSynced":"0"}}"#,
            r#"{"app":"app","host":"vm","time":"2026-11-22T18:58:24.553401Z","level":"INFO","msg":"two","kv":{"facility":"user","severity":"notice","timeQuality.tzKnown":"1","timeQuality.isSynced":"0"}}"#,
        ]),
    ("logger --rfc5424=notime,nohost",
        b"<13>1 - - app - - - l1\n",
        &[
            r#"{"app":"app","host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"l1","kv":{"facility":"user","severity":"notice"}}"#,
        ]),
    ("loggen -S -i",
        b"<38>2026-11-22T19:02:31 localhost prg00000[1234]: seq: 0000000000, thread: 0000, runid: 1795374151, stamp: 2026-11-22T19:02:31 PADDPADD\n",
        &[
            r#"{"app":"prg00000","host":"localhost","pid":1234,"time":"2026-11-22T19:02:31.000000Z","level":"INFO","msg":"seq: 0000000000, thread: 0000, runid: 1795374151, stamp: 2026-11-22T19:02:31 PADDPADD","kv":{"facility":"auth","zone":"assumed"}}"#,
        ]),
    ("loggen -P",
        b"98 <38>1 2026-11-22T19:02:31+00:00 localhost prg00000 1234 - - \xef\xbb\xbfseq: 0000000000, thread: 0000 PADD\n",
        &[
            r#"{"app":"prg00000","host":"localhost","pid":1234,"time":"2026-11-22T19:02:31.000000Z","level":"INFO","msg":"seq: 0000000000, thread: 0000 PADD","kv":{"facility":"auth"}}"#,
        ]),
    ("loggen -P -F",
        b"<38>1 2026-11-22T19:02:31+00:00 localhost prg00000 1234 - - \xef\xbb\xbfseq: 1\n",
        &[
            r#"{"app":"prg00000","host":"localhost","pid":1234,"time":"2026-11-22T19:02:31.000000Z","level":"INFO","msg":"seq: 1","kv":{"facility":"auth"}}"#,
        ]),
    ("loggen -H",
        b"PROXY TCP4 127.0.0.1 127.0.0.1 40312 1902\r\n<38>2026-11-22T19:02:31 localhost prg00000[1234]: seq: 1\n",
        &[
            r#"{"app":"prg00000","host":"localhost","pid":1234,"time":"2026-11-22T19:02:31.000000Z","level":"INFO","msg":"seq: 1","kv":{"facility":"auth","zone":"assumed"}}"#,
        ]),
    ("omfwd",
        b"<13>Nov 22 19:03:34 vm app: short\n",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:03:34.000000Z","level":"INFO","msg":"short","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
        ]),
    ("omfwd, Protocol23, octet-counted",
        b"54 <13>1 2026-11-22T19:03:34.1+00:00 vm app - - -  short\n",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:03:34.100000Z","level":"INFO","msg":"short","kv":{"facility":"user","severity":"notice"}}"#,
        ]),
    ("omfwd, ziplevel, mixed with short ones",
        b"<13>Nov 22 19:03:34 vm app: short\n53 zx\xda\x8d\xc41\x11\x00 \x08\x05\xd0*?\x82\xc09\xc8yF\xb0\x83\x93\x8b\n\x13\xf9\xad\xc0\xf2:\xc9\x98\x16`\x065-\xa2R\x11\x17\xcb]q\xec\xed\x0c\x1f\xaea\x15\x9d<13>Nov 22 19:03:36 vm app: short\n",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:03:34.000000Z","level":"INFO","msg":"short","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:03:35.000000Z","level":"INFO","msg":"long long long long long long long long ","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:03:36.000000Z","level":"INFO","msg":"short","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
        ]),
    ("syslog-ng network",
        b"<13>Nov 22 19:04:33 vm app: short one\n",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:04:33.000000Z","level":"INFO","msg":"short one","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"#,
        ]),
    ("syslog-ng syslog",
        b"55 <13>1 2026-11-22T19:04:33+00:00 vm app - - - short one\n",
        &[
            r#"{"app":"app","host":"vm","time":"2026-11-22T19:04:33.000000Z","level":"INFO","msg":"short one","kv":{"facility":"user","severity":"notice"}}"#,
        ]),
    ("Go log/syslog",
        b"<14>2026-11-22T19:00:00Z host tag[77]: msg\n",
        &[
            r#"{"app":"tag","host":"host","pid":77,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"msg","kv":{"facility":"user"}}"#,
        ]),
    ("Go log.New(conn, ..)",
        b"2026/11/22 19:00:00 msg\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"2026/11/22 19:00:00 msg"}"#,
        ]),
    ("Python SysLogHandler",
        b"<11>tcp hello\x00<14>tcp two\x00",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"tcp hello","kv":{"facility":"user"}}"#,
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"tcp two","kv":{"facility":"user"}}"#,
        ]),
    ("Python rfc5424-logging-handler",
        b"<12>1 2026-11-22T19:00:00.123456+00:00 vm r54 2539 - [sd@32473 k=\"v\\\"w\\]\"] \xef\xbb\xbfmsg\n",
        &[
            r#"{"app":"r54","host":"vm","pid":2539,"time":"2026-11-22T19:00:00.123456Z","level":"WARN","msg":"msg","kv":{"facility":"user","sd@32473.k":"v\"w]"}}"#,
        ]),
    ("winston-syslog, unterminated",
        b"<132>Nov 22 19:01:11 localhost wapp[2353]: {\"level\":\"warning\",\"message\":\"one\",\"n\":1}<134>Nov 22 19:01:12 localhost wapp[2353]: {\"level\":\"info\",\"message\":\"two\"}",
        &[
            r#"{"app":"wapp","host":"localhost","pid":2353,"time":"2026-11-22T19:01:11.000000Z","level":"WARN","msg":"one","kv":{"facility":"local0","zone":"assumed","n":1}}"#,
            r#"{"app":"wapp","host":"localhost","pid":2353,"time":"2026-11-22T19:01:12.000000Z","level":"INFO","msg":"two","kv":{"facility":"local0","zone":"assumed"}}"#,
        ]),
    ("log4j2 Syslog BSD, unterminated",
        b"<132>Nov 22 19:04:43 vm java hello 1<132>Nov 22 19:04:43 vm java hello 2",
        &[
            r#"{"host":"vm","time":"2026-11-22T19:04:43.000000Z","level":"WARN","msg":"java hello 1","kv":{"facility":"local0","zone":"assumed"}}"#,
            r#"{"host":"vm","time":"2026-11-22T19:04:43.000000Z","level":"WARN","msg":"java hello 2","kv":{"facility":"local0","zone":"assumed"}}"#,
        ]),
    ("log4j2 Syslog RFC 5424, newLine",
        b"<132>1 2026-11-22T19:04:43.266Z vm japp 5542 - - java hello 1\n",
        &[
            r#"{"app":"japp","host":"vm","pid":5542,"time":"2026-11-22T19:04:43.266000Z","level":"WARN","msg":"java hello 1","kv":{"facility":"local0"}}"#,
        ]),
    ("log4j2 useTlsMessageFormat",
        b"61 <132>1 2026-11-22T19:04:43.266Z vm japp 5542 - - java hello 164 <132>1 2026-11-22T19:04:43.267Z vm japp 5542 ID47 - java hello 2",
        &[
            r#"{"app":"japp","host":"vm","pid":5542,"time":"2026-11-22T19:04:43.266000Z","level":"WARN","msg":"java hello 1","kv":{"facility":"local0"}}"#,
            r#"{"app":"japp","host":"vm","pid":5542,"time":"2026-11-22T19:04:43.267000Z","level":"WARN","msg":"java hello 2","kv":{"facility":"local0","msgid":"ID47"}}"#,
        ]),
    ("Docker syslog driver",
        b"<30>Nov 22 19:00:00 3f4e5d[812]: line\n",
        &[
            r#"{"app":"3f4e5d","host":"10.0.0.7","pid":812,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"line","kv":{"facility":"daemon","zone":"assumed"}}"#,
        ]),
    ("Docker syslog driver, tag without pid",
        b"<30>Nov 22 19:00:00 web/1.2: line\n",
        &[
            r#"{"app":"web/1.2","host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"line","kv":{"facility":"daemon","zone":"assumed"}}"#,
        ]),
    ("Docker syslog driver, rfc5424 over tcp+tls",
        b"62 <30>1 2026-11-22T19:00:00.5+01:00 dh 3f4e5d 812 3f4e5d - line\n",
        &[
            r#"{"app":"3f4e5d","host":"dh","pid":812,"time":"2026-11-22T18:00:00.500000Z","level":"INFO","msg":"line","kv":{"facility":"daemon","msgid":"3f4e5d"}}"#,
        ]),
    ("Fluent Bit out_syslog",
        b"<14>1 2026-11-22T19:00:00.123456Z - - - - - msg\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123456Z","level":"INFO","msg":"msg","kv":{"facility":"user"}}"#,
        ]),
    ("Cisco IOS",
        b"<189>29: *Nov 22 19:00:00.123: %SYS-5-CONFIG_I: Configured\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"%SYS-5-CONFIG_I: Configured","kv":{"facility":"local7","severity":"notice","zone":"assumed","clock":"not set","sequence":"29"}}"#,
        ]),
    ("rsyslog @cee",
        b"<14>Nov 22 19:00:00 vm app: @cee: {\"msg\":\"x\",\"pid\":\"9\"}\n",
        &[
            r#"{"app":"app","host":"vm","pid":9,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"x","kv":{"facility":"user","zone":"assumed"}}"#,
        ]),
    ("priorities that are none",
        b"<999>hello\n<>x\n<13>\n",
        &[
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"<999>hello"}"#,
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"<>x"}"#,
            r#"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"","kv":{"facility":"user","severity":"notice"}}"#,
        ]),
];
