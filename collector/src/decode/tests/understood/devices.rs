//! Devices, relays and daemons: what each sends as syslog, and the records of it.

use super::rows;

rows! {
    cisco_ios_zone: Udp [
        b"<189>29: *Nov 22 19:00:00.123 UTC: %SYS-5-CONFIG_I: Configured from vty0\n",
        b"<189>30: Nov 22 20:00:00.123 CET: %SYS-5-CONFIG_I: Configured from vty0\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"%SYS-5-CONFIG_I: Configured from vty0","kv":{"facility":"local7","severity":"notice","clock":"not set","sequence":"29"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T20:00:00.123000Z","level":"INFO","msg":"%SYS-5-CONFIG_I: Configured from vty0","kv":{"facility":"local7","severity":"notice","zone":"assumed","zone_name":"CET","sequence":"30"}}"##,
    ];
    cisco_ios_origin_and_counters: Udp [
        b"<188>1797: edge1: Nov 22 19:00:00.833 UTC: %SW_MATM-4-MACFLAP_NOTIF: Host 0200.0000.0001 is flapping\n",
        b"<190>4213: 4209: Nov 22 19:00:00: %SEC-6-IPACCESSLOGP: list 10 permitted tcp 192.0.2.4\n",
        b"<165>7433: edge1: 007439: 2y10w: %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success\n",
    ] => [
        r##"{"host":"edge1","time":"2026-11-22T19:00:00.833000Z","level":"WARN","msg":"%SW_MATM-4-MACFLAP_NOTIF: Host 0200.0000.0001 is flapping","kv":{"facility":"local7","sequence":"1797"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%SEC-6-IPACCESSLOGP: list 10 permitted tcp 192.0.2.4","kv":{"facility":"local7","zone":"assumed","sequence":"4213","device_sequence":"4209"}}"##,
        r##"{"host":"edge1","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success","kv":{"facility":"local4","severity":"notice","uptime":"2y10w","sequence":"7433","device_sequence":"007439"}}"##,
    ];
    cisco_ios_xr: Udp [
        b"<189>31: RP/0/RSP0/CPU0:Nov 22 19:00:00.123 UTC: config[65710]: %MGBL-CONFIG-6-DB_COMMIT: committed\n",
    ] => [
        r##"{"app":"config","host":"10.0.0.7","pid":65710,"time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"%MGBL-CONFIG-6-DB_COMMIT: committed","kv":{"facility":"local7","severity":"notice","sequence":"31","node":"RP/0/RSP0/CPU0"}}"##,
    ];
    cisco_through_a_relay: Udp [
        b"<189>Nov 22 19:00:01 192.0.2.7 115611: Nov 22 19:00:00.959 PST: %SYS-5-CONFIG_I: Configured from vty0\n",
    ] => [
        r##"{"host":"192.0.2.7","time":"2026-11-22T19:00:01.000000Z","level":"INFO","msg":"115611: Nov 22 19:00:00.959 PST: %SYS-5-CONFIG_I: Configured from vty0","kv":{"facility":"local7","severity":"notice","zone":"assumed"}}"##,
    ];
    cisco_nx_os: Udp [
        b"<189>: 2026 Nov 22 19:00:00 UTC: %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%ETHPORT-5-IF_UP: Interface Ethernet1/1 is up","kv":{"facility":"local7","severity":"notice"}}"##,
    ];
    cisco_asa: Udp [
        b"<166>Nov 22 2026 19:00:00: %ASA-6-302013: Built outbound TCP",
        b"<166>Nov 22 2026 19:00:00 asa1 : %ASA-6-302013: Built",
        b"<166>:Nov 22 19:00:00 UTC: %ASA-session-6-302013: Built",
        b"<164>%ASA-4-106023: Deny tcp",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%ASA-6-302013: Built outbound TCP","kv":{"facility":"local4","zone":"assumed"}}"##,
        r##"{"host":"asa1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%ASA-6-302013: Built","kv":{"facility":"local4","zone":"assumed"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%ASA-session-6-302013: Built","kv":{"facility":"local4"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"%ASA-4-106023: Deny tcp","kv":{"facility":"local4"}}"##,
    ];
    cisco_meraki: Udp [
        b"<134>1 1795374000.123456789 MX60 flows src=192.0.2.4 dst=192.0.2.5\n",
    ] => [
        r##"{"host":"MX60","time":"2026-11-22T19:00:00.123456Z","level":"INFO","msg":"flows src=192.0.2.4 dst=192.0.2.5","kv":{"facility":"local0"}}"##,
    ];
    sophos_utm: Udp [
        b"<30>2026:11:22-19:00:00 utm1 ulogd[4321]: id=\"2001\" severity=\"info\"",
    ] => [
        r##"{"app":"ulogd","host":"utm1","pid":4321,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"id=\"2001\" severity=\"info\"","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
    a_host_is_no_number_and_may_begin_like_a_year: Udp [
        b"<134>Nov 22 19:00:00 1795374000.123456789 MX84 events type=vpn",
        b"<134>Nov 22 19:00:00 2001:db8::7 shop: late",
        b"<134>Nov 22 19:00:00 192.0.2.7 shop: late",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"1795374000.123456789 MX84 events type=vpn","kv":{"facility":"local0","zone":"assumed"}}"##,
        r##"{"app":"shop","host":"2001:db8::7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","kv":{"facility":"local0","zone":"assumed"}}"##,
        r##"{"app":"shop","host":"192.0.2.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","kv":{"facility":"local0","zone":"assumed"}}"##,
    ];
    the_form_of_date: Udp [
        b"<13>Sun Nov 22 19:00:00 UTC 2026 web1 shop: late",
        b"<13>Nov 22 20:00:00 CET 2025 web1 shop: late",
    ] => [
        r##"{"app":"shop","host":"web1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","kv":{"facility":"user","severity":"notice"}}"##,
        r##"{"app":"shop","host":"web1","time":"2025-11-22T20:00:00.000000Z","level":"INFO","msg":"late","kv":{"facility":"user","severity":"notice","zone":"assumed","zone_name":"CET"}}"##,
    ];
    year_behind_the_time: Udp [
        b"<14>Nov 22 19:00:00 2026 sw2 %%10WEB/4/LOGIN_FAIL(l): bob failed to log in\n",
        b"<134>Nov 22 19:00:00 2026 wlc1 authmgr[3456]: <522008> <NOTI> user up\n",
    ] => [
        r##"{"host":"sw2","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%%10WEB/4/LOGIN_FAIL(l): bob failed to log in","kv":{"facility":"user","zone":"assumed"}}"##,
        r##"{"app":"authmgr","host":"wlc1","pid":3456,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"<522008> <NOTI> user up","kv":{"facility":"local0","zone":"assumed"}}"##,
    ];
    year_before_the_month: Udp [
        b"<0>2026 Nov 22 19:00:00 TZ-6 scape.example 192.0.2.3 sched[0]: bye\n",
    ] => [
        r##"{"host":"TZ-6","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"scape.example 192.0.2.3 sched[0]: bye","kv":{"facility":"kern","severity":"emerg","zone":"assumed"}}"##,
    ];
    cisco_ise: Udp [
        b"<181> Nov 22 19:00:00 ise1 CISE_Failed_Attempts 0002315 1 0 NOTICE Failed-Attempt\n",
    ] => [
        r##"{"host":"ise1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"CISE_Failed_Attempts 0002315 1 0 NOTICE Failed-Attempt","kv":{"facility":"local6","severity":"notice","zone":"assumed"}}"##,
    ];
    netscaler: Udp [
        b"<12> 11/22/2026:19:00:00 GMT ns1 0-PPE-0 : SSLVPN HTTPREQUEST 1234 : Context bob\n",
    ] => [
        r##"{"host":"ns1","time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"0-PPE-0 : SSLVPN HTTPREQUEST 1234 : Context bob","kv":{"facility":"user"}}"##,
    ];
    kiwi_relay: Udp [
        b"<190>2026-11-22 19:00:00 Local7.Info sw3 Acl: %ACL-6-IPACCESS: list 4 denied\n",
    ] => [
        r##"{"app":"Acl","host":"sw3","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%ACL-6-IPACCESS: list 4 denied","kv":{"facility":"local7","zone":"assumed","priority":"Local7.Info"}}"##,
    ];
    rsa_commas: Udp [
        b"<14>2026-11-22 19:00:00,933, auth1.example, audit.runtime, INFO, login\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.933000Z","level":"INFO","msg":"auth1.example, audit.runtime, INFO, login","kv":{"facility":"user","zone":"assumed"}}"##,
    ];
    cef_and_leef: Udp [
        b"<43>Nov 22 19:00:00 fw1 CEF:0|Acme|Wall|1.0|100|worm stopped|10|src=192.0.2.1\n",
        b"<43>Nov 22 19:00:00 fw1 LEEF:1.0|Acme|Wall|1.0|100|src=192.0.2.1\n",
    ] => [
        r##"{"host":"fw1","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"CEF:0|Acme|Wall|1.0|100|worm stopped|10|src=192.0.2.1","kv":{"facility":"syslog","zone":"assumed"}}"##,
        r##"{"host":"fw1","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"LEEF:1.0|Acme|Wall|1.0|100|src=192.0.2.1","kv":{"facility":"syslog","zone":"assumed"}}"##,
    ];
    colons_that_end_no_tag: Udp [
        b"<13>Nov 22 19:00:00 web1 http://shop.example/x answered 500\n",
        b"<13>Nov 22 19:00:00 win1 C:\\Temp is full\n",
        b"<14>Nov 22 19:00:00 gw1 2026-11-22T19:00:00.209Z gw1 tvcs: up\n",
        b"<13>Nov 22 19:00:00 web1 10:42:17 retry\n",
        b"<13>Nov 22 19:00:00 web1 Error: disk full\n",
    ] => [
        r##"{"host":"web1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"http://shop.example/x answered 500","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"win1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"C:\\Temp is full","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"gw1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"2026-11-22T19:00:00.209Z gw1 tvcs: up","kv":{"facility":"user","zone":"assumed"}}"##,
        r##"{"host":"web1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"10:42:17 retry","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"web1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Error: disk full","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
    ];
    docker_image_with_a_port: Udp [
        b"<30>Nov 22 19:00:00 registry.example:5000/web:1.2[812]: line\n",
    ] => [
        r##"{"app":"registry.example:5000/web:1.2","host":"10.0.0.7","pid":812,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"line","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
    tags_with_brackets: Udp [
        b"<77>Nov 22 19:00:00 db1 run-parts(/etc/cron.hourly)[25969]: starting 0anacron\n",
        b"<77>Nov 22 19:00:00 db1 run-parts(/etc/cron.hourly)[2500 starting 0yum\n",
        b"<38>Nov 22 19:00:00 db1 su(pam_unix)[123]: session opened for bob\n",
        b"<30>Nov 22 19:00:00 db1 (polkit-agent)[15623]: Failed to execute\n",
        b"<30>Nov 22 19:00:00 idm1 sssd[nss][706970]: Starting up\n",
        b"<30>Nov 22 19:00:00 idm1 sssd[be[example.test]][812]: Shutting down\n",
    ] => [
        r##"{"app":"run-parts(/etc/cron.hourly)","host":"db1","pid":25969,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"starting 0anacron","kv":{"facility":"cron","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"db1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"run-parts(/etc/cron.hourly)[2500 starting 0yum","kv":{"facility":"cron","severity":"notice","zone":"assumed"}}"##,
        r##"{"app":"su(pam_unix)","host":"db1","pid":123,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"session opened for bob","kv":{"facility":"auth","zone":"assumed"}}"##,
        r##"{"app":"(polkit-agent)","host":"db1","pid":15623,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Failed to execute","kv":{"facility":"daemon","zone":"assumed"}}"##,
        r##"{"app":"sssd[nss]","host":"idm1","pid":706970,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Starting up","kv":{"facility":"daemon","zone":"assumed"}}"##,
        r##"{"app":"sssd[be[example.test]]","host":"idm1","pid":812,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Shutting down","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
    lines_of_syslogd: Udp [
        b"<38>Nov 22 19:00:00 last message repeated 3 times\n",
        b"<38>last message repeated 3 times\n",
        b"<46>Nov 22 19:00:00 -- MARK --\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"last message repeated 3 times","kv":{"facility":"auth","zone":"assumed"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"last message repeated 3 times","kv":{"facility":"auth"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"-- MARK --","kv":{"facility":"syslog","zone":"assumed"}}"##,
    ];
    aix_forwarded: Udp [
        b"<38>Nov 22 19:00:00 Message forwarded from aix7: sshd[9306]: Accepted publickey for bob\n",
        b"<38>Nov 22 19:00:00 From aix7: sshd[9306]: Accepted publickey for bob\n",
    ] => [
        r##"{"app":"sshd","host":"aix7","pid":9306,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Accepted publickey for bob","kv":{"facility":"auth","zone":"assumed"}}"##,
        r##"{"app":"sshd","host":"aix7","pid":9306,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Accepted publickey for bob","kv":{"facility":"auth","zone":"assumed"}}"##,
    ];
    local_socket: Local [
        b"<13>Nov 22 19:00:00 order worker: started",
        b"<13>Nov 22 19:00:00 disk full",
        b"<30>Nov 22 19:00:00 cron[7]: ran",
    ] => [
        r##"{"host":"here","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"order worker: started","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"here","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"disk full","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"app":"cron","host":"here","pid":7,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"ran","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
    names_over_the_network: Udp [
        b"<13>Nov 22 19:00:00 order worker: started",
    ] => [
        r##"{"app":"worker","host":"order","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"started","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
    ];
    a_year_that_is_not_said: Udp [
        b"<13>May  1 10:00:00 web1 shop: half a year old\n",
        b"<189>12: *Mar  1 00:00:12.123: %SYS-5-RESTART: System restarted\n",
        b"<13>Nov 23 06:00:00 web1 shop: a sender in Sydney, no zone\n",
    ] => [
        r##"{"app":"shop","host":"web1","time":"2026-05-01T10:00:00.000000Z","level":"INFO","msg":"half a year old","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-03-01T00:00:12.123000Z","level":"INFO","msg":"%SYS-5-RESTART: System restarted","kv":{"facility":"local7","severity":"notice","zone":"assumed","clock":"not set","sequence":"12"}}"##,
        r##"{"app":"shop","host":"web1","time":"2026-11-23T06:00:00.000000Z","level":"INFO","msg":"a sender in Sydney, no zone","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
    ];
    counts_of_characters: Tcp [
        b"34 <13>1 - web1 shop - - - gr\xc3\xbc\xc3\x9fe eins38 <11>1 - web1 shop - - - order 2 failed36 <12>1 - web1 shop - - - order 3 late",
    ] => [
        r##"{"app":"shop","host":"web1","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"grüße ei","kv":{"facility":"user","severity":"notice"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"ns"}"##,
        r##"{"app":"shop","host":"web1","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"order 2 failed","kv":{"facility":"user"}}"##,
        r##"{"app":"shop","host":"web1","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"order 3 late","kv":{"facility":"user"}}"##,
    ];
    counts_that_are_true: Tcp [
        b"24 <13>1 - web1 a - - - one24 <14>1 - web1 a - - - two24 <15>1 - web1 a - - - six",
    ] => [
        r##"{"app":"a","host":"web1","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"one","kv":{"facility":"user","severity":"notice"}}"##,
        r##"{"app":"a","host":"web1","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"two","kv":{"facility":"user"}}"##,
        r##"{"app":"a","host":"web1","time":"2026-11-22T19:05:00.000000Z","level":"DEBUG","msg":"six","kv":{"facility":"user"}}"##,
    ];
    juniper: Udp [
        b"<28>Nov 22 19:00:00 mx1 mgd[4163]: UI_CMDLINE_READ_LINE: User bob",
        b"<165>1 2026-11-22T19:00:00.003Z mx1 mgd 3046 UI_DBASE_LOGOUT_EVENT [junos@2636.1.1.1.2.18 username=\"regress\"] User regress",
    ] => [
        r##"{"app":"mgd","host":"mx1","pid":4163,"time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"UI_CMDLINE_READ_LINE: User bob","kv":{"facility":"daemon","zone":"assumed"}}"##,
        r##"{"app":"mgd","host":"mx1","pid":3046,"time":"2026-11-22T19:00:00.003000Z","level":"INFO","msg":"User regress","kv":{"facility":"local4","severity":"notice","msgid":"UI_DBASE_LOGOUT_EVENT","junos@2636.1.1.1.2.18.username":"regress"}}"##,
    ];
    fortigate: Udp [
        b"<189>date=2026-11-22 time=19:00:00 devname=\"fg1\" level=\"notice\"",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"date=2026-11-22 time=19:00:00 devname=\"fg1\" level=\"notice\"","kv":{"facility":"local7","severity":"notice"}}"##,
    ];
    palo_alto: Udp [
        b"<14>Nov 22 19:00:00 pa1 1,2026/11/22 19:00:00,0011,TRAFFIC,end",
    ] => [
        r##"{"host":"pa1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"1,2026/11/22 19:00:00,0011,TRAFFIC,end","kv":{"facility":"user","zone":"assumed"}}"##,
    ];
    f5: Udp [
        b"<134>Nov 22 19:00:00 bigip1 info tmm1[14231]: Rule /Common/x",
    ] => [
        r##"{"app":"tmm1","host":"bigip1","pid":14231,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Rule /Common/x","kv":{"facility":"local0","zone":"assumed","level":"info"}}"##,
    ];
    check_point: Udp [
        b"<134>1 2026-11-22T19:00:00Z gw1 CheckPoint 1930 - [action:\"Accept\"; ifdir:\"inbound\"]",
    ] => [
        r##"{"app":"CheckPoint","host":"gw1","pid":1930,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"[action:\"Accept\"; ifdir:\"inbound\"]","kv":{"facility":"local0"}}"##,
    ];
    sophos: Udp [
        b"<30>device=\"SFW\" date=2026-11-22 time=19:00:00 timezone=\"CET\" device_name=\"XG\"",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"device=\"SFW\" date=2026-11-22 time=19:00:00 timezone=\"CET\" device_name=\"XG\"","kv":{"facility":"daemon"}}"##,
    ];
    pfsense: Udp [
        b"<134>Nov 22 19:00:00 filterlog[53502]: 5,,,1000000103,em0",
        b"<134>1 2026-11-22T20:00:00.123456+01:00 pf.example filterlog 53502 - - 5,,,",
    ] => [
        r##"{"app":"filterlog","host":"10.0.0.7","pid":53502,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"5,,,1000000103,em0","kv":{"facility":"local0","zone":"assumed"}}"##,
        r##"{"app":"filterlog","host":"pf.example","pid":53502,"time":"2026-11-22T19:00:00.123456Z","level":"INFO","msg":"5,,,","kv":{"facility":"local0"}}"##,
    ];
    unifi: Udp [
        b"<30>Nov 22 19:00:00 usw1 788a20aabbcc,USW-24-6.5.59+14777: switch: up",
    ] => [
        r##"{"host":"usw1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"788a20aabbcc,USW-24-6.5.59+14777: switch: up","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
    mikrotik: Udp [
        b"<30>Nov 22 19:00:00 mt1 dhcp,info dhcp1 assigned 192.0.2.9",
        b"<30>system,info,account user admin logged in",
    ] => [
        r##"{"host":"mt1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"dhcp,info dhcp1 assigned 192.0.2.9","kv":{"facility":"daemon","zone":"assumed"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"system,info,account user admin logged in","kv":{"facility":"daemon"}}"##,
    ];
    synology: Udp [
        b"<14>Nov 22 19:00:00 nas1 Connection: User [bob] from [192.0.2.9] logged in",
    ] => [
        r##"{"app":"Connection","host":"nas1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"User [bob] from [192.0.2.9] logged in","kv":{"facility":"user","zone":"assumed"}}"##,
    ];
    esxi: Udp [
        b"<167>2026-11-22T19:00:00.316Z esx1 Rhttpproxy: verbose rhttpproxy[24] [Originator@6876 sub=Req] Resolved",
    ] => [
        r##"{"app":"Rhttpproxy","host":"esx1","time":"2026-11-22T19:00:00.316000Z","level":"DEBUG","msg":"verbose rhttpproxy[24] [Originator@6876 sub=Req] Resolved","kv":{"facility":"local4"}}"##,
    ];
    linux_kernel: Udp [
        b"<4>Nov 22 19:00:00 vm kernel: [   12.345678] usb 1-1: reset",
    ] => [
        r##"{"app":"kernel","host":"vm","time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"[   12.345678] usb 1-1: reset","kv":{"facility":"kern","zone":"assumed"}}"##,
    ];
    auditd: Udp [
        b"<13>Nov 22 19:00:00 vm audispd: node=vm type=SYSCALL msg=audit(1795374000.123:456): arch=c000003e",
        b"type=SYSCALL msg=audit(1795374000.123:456): arch=c000003e",
    ] => [
        r##"{"app":"audispd","host":"vm","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"node=vm type=SYSCALL msg=audit(1795374000.123:456): arch=c000003e","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"type=SYSCALL msg=audit(1795374000.123:456): arch=c000003e"}"##,
    ];
    haproxy: Udp [
        b"<134>Nov 22 19:00:00 haproxy[123]: 192.0.2.9:5 [22/Nov/2026:19:00:00.123] web web/<NOSRV> 503",
    ] => [
        r##"{"app":"haproxy","host":"10.0.0.7","pid":123,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"192.0.2.9:5 [22/Nov/2026:19:00:00.123] web web/<NOSRV> 503","kv":{"facility":"local0","zone":"assumed"}}"##,
    ];
    nginx_syslog: Udp [
        b"<190>Nov 22 19:00:00 web1 nginx: 192.0.2.9 - - \"GET /?level=error HTTP/1.1\" 200",
    ] => [
        r##"{"app":"nginx","host":"web1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"192.0.2.9 - - \"GET /?level=error HTTP/1.1\" 200","kv":{"facility":"local7","zone":"assumed"}}"##,
    ];
    a_priority_and_no_more: Udp [
        b"<38>User logged in. User: bob.",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"User logged in. User: bob.","kv":{"facility":"auth"}}"##,
    ];
}
