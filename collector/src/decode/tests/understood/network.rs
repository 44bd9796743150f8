//! Devices in the variants that their settings make.

use super::rows;

rows! {
    f5_slots: Udp [
        b"<134>Nov 22 19:00:00 slot1/bigip1 info tmm1[14231]: Rule /Common/x: hi",
        b"<14>Nov 22 19:00:00 bigip/lb1 notice mcpd[6789]: 01070417:5: AUDIT",
        b"<14>Nov 22 19:00:00 a/b of a path",
    ] => [
        r##"{"app":"tmm1","host":"slot1/bigip1","pid":14231,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Rule /Common/x: hi","kv":{"facility":"local0","zone":"assumed","level":"info"}}"##,
        r##"{"app":"mcpd","host":"bigip/lb1","pid":6789,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"01070417:5: AUDIT","kv":{"facility":"user","zone":"assumed","level":"notice"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"a/b of a path","kv":{"facility":"user","zone":"assumed"}}"##,
    ];
    mikrotik_topics: Tcp [
        b"dhcp,critical,error dhcp1 offering lease\n",
        b"script,warning slow\n",
        b"firewall,info forward: in:ether1\n",
        b"apples,pears and an error\n",
        b"a,b ERROR\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"dhcp,critical,error dhcp1 offering lease"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"script,warning slow"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"firewall,info forward: in:ether1"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"apples,pears and an error"}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"ERROR","msg":"a,b ERROR"}"##,
    ];
    mikrotik_over_syslog: Udp [
        b"<27>Nov 22 19:00:00 router1 dhcp,critical,error dhcp1 offering lease",
    ] => [
        r##"{"host":"router1","time":"2026-11-22T19:00:00.000000Z","level":"ERROR","msg":"dhcp,critical,error dhcp1 offering lease","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
    unifi_access_points: Udp [
        b"<30>Nov 22 19:00:00 UAP-AC (\"U7LT,18e829aabbcc,v4.3.20.11298\") hostapd: ath3: STA associated",
        b"<30>Nov 22 19:00:00 (\"U7LT,18e829aabbcc,v4.3.20.11298\") stahtd: stahtd[3021]: up",
        b"<30>Nov 22 19:00:00 U7PG2,18e829aabbcc,v4.0.66.10832: hostapd: ath0: STA associated",
        b"<30>Nov 22 19:00:00 one,two,three: four",
    ] => [
        r##"{"app":"hostapd","host":"UAP-AC","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"ath3: STA associated","kv":{"facility":"daemon","zone":"assumed","device":"U7LT,18e829aabbcc,v4.3.20.11298"}}"##,
        r##"{"app":"stahtd","host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"stahtd[3021]: up","kv":{"facility":"daemon","zone":"assumed","device":"U7LT,18e829aabbcc,v4.3.20.11298"}}"##,
        r##"{"app":"hostapd","host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"ath0: STA associated","kv":{"facility":"daemon","zone":"assumed","device":"U7PG2,18e829aabbcc,v4.0.66.10832"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"one,two,three: four","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
    vcenter_and_esxi: Udp [
        b"<14>1 2026-11-22T19:00:00.123456+00:00 vcsa1 vpxd 4321 - -  Event [1234] [1-1] [vim.event.UserLoginSessionEvent] [info]",
        b"<166>2026-11-22T19:00:00.316Z esx1 Hostd: info hostd[2099150] [Originator@6876 sub=Vimsvc] Task",
        b"<14>2026-11-22T19:00:00.316Z vmkwarning: cpu3:2097541)WARNING: x",
    ] => [
        r##"{"app":"vpxd","host":"vcsa1","pid":4321,"time":"2026-11-22T19:00:00.123456Z","level":"INFO","msg":"Event [1234] [1-1] [vim.event.UserLoginSessionEvent] [info]","kv":{"facility":"user"}}"##,
        r##"{"app":"Hostd","host":"esx1","time":"2026-11-22T19:00:00.316000Z","level":"INFO","msg":"info hostd[2099150] [Originator@6876 sub=Vimsvc] Task","kv":{"facility":"local4"}}"##,
        r##"{"app":"vmkwarning","host":"10.0.0.7","time":"2026-11-22T19:00:00.316000Z","level":"INFO","msg":"cpu3:2097541)WARNING: x","kv":{"facility":"user"}}"##,
    ];
    vmware_lines: Tcp [
        b"2026-11-22T19:00:00.316Z warning vpxd[12345] [Originator@6876 sub=Default] slow\n",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"WARN","msg":"2026-11-22T19:00:00.316Z warning vpxd[12345] [Originator@6876 sub=Default] slow"}"##,
    ];
    cisco_ios_settings: Udp [
        b"<189>45: [syslog@9 s_sn=\"45\"]: Nov 22 19:00:00.123 UTC: %SYS-5-CONFIG_I: x",
        b"<189>1: 2001:db8::9: Nov 22 19:00:00.123 UTC: %SYS-5-CONFIG_I: x",
        b"<189>123: Nov 22 20:00:00.123 +0100: %SYS-5-CONFIG_I: x",
        b"<189>123: -Traceback= 0x1 0x2",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"%SYS-5-CONFIG_I: x","kv":{"facility":"local7","severity":"notice","sequence":"45","structured_data":"syslog@9 s_sn=\"45\""}}"##,
        r##"{"host":"2001:db8::9","time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"%SYS-5-CONFIG_I: x","kv":{"facility":"local7","severity":"notice","sequence":"1"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"%SYS-5-CONFIG_I: x","kv":{"facility":"local7","severity":"notice","sequence":"123"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"123: -Traceback= 0x1 0x2","kv":{"facility":"local7","severity":"notice"}}"##,
    ];
    cisco_ios_xr_hosts: Udp [
        b"<187>123: xr1 RP/0/RP0/CPU0:2026 Nov 22 19:00:00.123 UTC: ifmgr[227]: %PKT_INFRA-LINK-3-UPDOWN : Interface x",
        b"<187>RP/0/RP0/CPU0:Nov 22 19:00:00.123 : ifmgr[227]: %PKT_INFRA-LINK-3-UPDOWN : Interface x",
        b"<187>123: 0/RP0/ADMIN0:Nov 22 19:00:00.123 UTC: shelf_mgr[3121]: %INFRA-SHELF_MGR-6-CARD_HW : x",
    ] => [
        r##"{"app":"ifmgr","host":"xr1","pid":227,"time":"2026-11-22T19:00:00.123000Z","level":"ERROR","msg":"%PKT_INFRA-LINK-3-UPDOWN : Interface x","kv":{"facility":"local7","sequence":"123","node":"RP/0/RP0/CPU0"}}"##,
        r##"{"app":"ifmgr","host":"10.0.0.7","pid":227,"time":"2026-11-22T19:00:00.123000Z","level":"ERROR","msg":"%PKT_INFRA-LINK-3-UPDOWN : Interface x","kv":{"facility":"local7","zone":"assumed","node":"RP/0/RP0/CPU0"}}"##,
        r##"{"app":"shelf_mgr","host":"10.0.0.7","pid":3121,"time":"2026-11-22T19:00:00.123000Z","level":"ERROR","msg":"%INFRA-SHELF_MGR-6-CARD_HW : x","kv":{"facility":"local7","sequence":"123","node":"0/RP0/ADMIN0"}}"##,
    ];
    cisco_wireless_controllers: Udp [
        b"<134>wlc1: *Dot1x_NW_MsgTask_0: Nov 22 19:00:00.123: %DOT1X-3-ABORT_AUTH: dot1x.c:7 x",
    ] => [
        r##"{"app":"Dot1x_NW_MsgTask_0","host":"wlc1","time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"%DOT1X-3-ABORT_AUTH: dot1x.c:7 x","kv":{"facility":"local0","zone":"assumed"}}"##,
    ];
    meraki_without_a_fraction: Udp [
        b"<134>1 1795374000 MX84 urls src=192.0.2.7",
    ] => [
        r##"{"host":"MX84","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"urls src=192.0.2.7","kv":{"facility":"local0"}}"##,
    ];
    huawei_aruba_and_procurve: Udp [
        b"<189>Nov 22 2026 20:00:00+01:00 HUAWEI1 %%01IFNET/4/LINK_STATE(l)[1]:The line protocol",
        b"<141>Nov 22 19:00:00 2026 192.0.2.4 <192.0.2.4 00:0B:86:00> sapd[1]: x",
        b"<190>Nov 22 19:00:00 sw1 00828 lldp:  PVID mismatch on port 1",
    ] => [
        r##"{"host":"HUAWEI1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"%%01IFNET/4/LINK_STATE(l)[1]:The line protocol","kv":{"facility":"local7","severity":"notice"}}"##,
        r##"{"host":"192.0.2.4","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"<192.0.2.4 00:0B:86:00> sapd[1]: x","kv":{"facility":"local1","severity":"notice","zone":"assumed"}}"##,
        r##"{"host":"sw1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"00828 lldp:  PVID mismatch on port 1","kv":{"facility":"local7","zone":"assumed"}}"##,
    ];
    rfc_5424_with_other_times: Udp [
        b"<13>1 2026-11-22 19:00:00 web1 shop 7 ID - late",
        b"<13>1 Nov 22 19:00:00 web1 shop 7 - - late",
        b"<13>1 2026-11-22T19:00:00,123Z web1 shop 7 - - late",
        b"<13>20261122T190000Z web1 shop: late",
        b"<13>1 2026-11-22T19:00:00",
    ] => [
        r##"{"app":"shop","host":"web1","pid":7,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","kv":{"facility":"user","severity":"notice","zone":"assumed","msgid":"ID"}}"##,
        r##"{"app":"shop","host":"web1","pid":7,"time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"app":"shop","host":"web1","pid":7,"time":"2026-11-22T19:00:00.123000Z","level":"INFO","msg":"late","kv":{"facility":"user","severity":"notice"}}"##,
        r##"{"app":"shop","host":"web1","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"late","kv":{"facility":"user","severity":"notice"}}"##,
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:05:00.000000Z","level":"INFO","msg":"1 2026-11-22T19:00:00","kv":{"facility":"user","severity":"notice"}}"##,
    ];
    two_dates_in_a_row: Udp [
        b"<13>Nov 22 19:00:00 Nov 22 18:59:59 web1 shop: twice",
        b"<13>Nov 22 19:00:00 Nov shop: a host",
    ] => [
        r##"{"host":"10.0.0.7","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"Nov 22 18:59:59 web1 shop: twice","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
        r##"{"app":"shop","host":"Nov","time":"2026-11-22T19:00:00.000000Z","level":"INFO","msg":"a host","kv":{"facility":"user","severity":"notice","zone":"assumed"}}"##,
    ];
    names_that_are_no_tags: Udp [
        b"<132>Nov 22 19:00:00 fw1 CEF: 0|Check Point|VPN-1|1|Log|x|5|act=Accept",
        b"<28>Nov 22 19:00:00 idrac1 Severity: Warning, Category: Audit, MessageID: USR0031",
    ] => [
        r##"{"host":"fw1","time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"CEF: 0|Check Point|VPN-1|1|Log|x|5|act=Accept","kv":{"facility":"local0","zone":"assumed"}}"##,
        r##"{"host":"idrac1","time":"2026-11-22T19:00:00.000000Z","level":"WARN","msg":"Severity: Warning, Category: Audit, MessageID: USR0031","kv":{"facility":"daemon","zone":"assumed"}}"##,
    ];
}
