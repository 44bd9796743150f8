//! The collectors, each set up to take as much as it can and to lose as little as it can, appending
//! to one file what comes by TCP or by UDP.

use crate::process::{Process, free_address, lines};
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long nothing may come before what has come is all there is.
const QUIET: Duration = Duration::from_secs(3);

/// How long nothing may come before what has come is counted: not oftener, because counting takes
/// from the collector what it is measured by.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// One that runs.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// Where netlog's can be looked at; the others listen to nobody there.
    pub(crate) http: SocketAddr,
    file: PathBuf,
    _place: TempDir,
}

/// Where tests/clients/get has put the daemons.
pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients")
}

impl Daemon {
    /// Starts the one of this name; the error is why it does not run.
    pub(crate) fn start(name: &str, transport: Transport) -> Result<Self, String> {
        let place = tempfile::tempdir().expect("a directory can be made");
        let (address, http) = (free_address(), free_address());
        let file = place.path().join("records.log");
        let setup = Setup { place: place.path(), file: &file, address, transport };
        let mut command = match name {
            _ if name.starts_with("floor") => setup.floor(),
            "rsyslog" => setup.rsyslog(RSYSLOG_RAW),
            "rsyslog, parsing syslog" => setup.rsyslog(RSYSLOG_SYSLOG),
            "rsyslog, parsing JSON" => setup.rsyslog(RSYSLOG_JSON),
            "syslog-ng" => setup.syslog_ng(SYSLOG_NG_RAW),
            "syslog-ng, parsing syslog" => setup.syslog_ng(SYSLOG_NG_SYSLOG),
            "syslog-ng, parsing JSON" => setup.syslog_ng(SYSLOG_NG_JSON),
            _ => setup.netlog(http),
        };
        let process = match transport {
            Transport::Tcp => Process::start(&mut command, || TcpStream::connect(address).is_ok()),
            Transport::Udp => Process::start(&mut command, || bound(address)),
        };
        Ok(Self { process: process?, address, http, file, _place: place })
    }

    /// Waits until so many lines are in its file, or no more come; how many are, and how long it
    /// took since `start`.
    pub(crate) fn settle(&self, wanted: u64, start: Instant) -> (u64, f64) {
        let (mut length, mut since) = (0, start);
        loop {
            let now = fs::metadata(&self.file).map_or(0, |file| file.len());
            if now != length {
                (length, since) = (now, Instant::now());
            }
            if since.elapsed() > PAUSE {
                let kept = lines(&self.file, b"\n");
                if kept >= wanted || since.elapsed() > QUIET {
                    return (kept, since.duration_since(start).as_secs_f64());
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How often `word` stands in its file.
    pub(crate) fn count(&self, word: &[u8]) -> u64 {
        lines(&self.file, word)
    }
}

/// Whether a UDP socket is bound to an address (proc(5), net/udp).
fn bound(address: SocketAddr) -> bool {
    let table = fs::read_to_string("/proc/net/udp").unwrap_or_default();
    table.contains(&format!(":{:04X} 00000000:0000 ", address.port()))
}

/// rsyslog's reading of a message: modules and the template of a line, and actions before it is
/// written.
#[derive(Clone, Copy)]
struct RsyslogReading {
    template: &'static str,
    actions: &'static str,
}

const RSYSLOG_RAW: RsyslogReading = RsyslogReading {
    template: r#"template(name="line" type="string" string="%rawmsg%\n")"#,
    actions: "",
};

const RSYSLOG_SYSLOG: RsyslogReading = RsyslogReading {
    template: r#"template(name="line" type="list" option.jsonf="on") {
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="level" name="syslogseverity-text" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="app" name="programname" format="jsonf")
  property(outname="pid" name="procid" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="peer" name="fromhost-ip" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}"#,
    actions: "",
};

const RSYSLOG_JSON: RsyslogReading = RsyslogReading {
    template: r#"module(load="mmjsonparse")
template(name="line" type="string" string="%$!all-json-plain%\n")"#,
    actions: r#"action(type="mmjsonparse" cookie="" useRawMsg="on") "#,
};

/// syslog-ng's reading of a message: flags of the source, a parser, and the template of a line.
#[derive(Clone, Copy)]
struct SyslogNgReading {
    flags: &'static str,
    parser: &'static str,
    template: &'static str,
}

const SYSLOG_NG_RAW: SyslogNgReading =
    SyslogNgReading { flags: "flags(no-parse)", parser: "", template: "$MSG" };

const SYSLOG_NG_SYSLOG: SyslogNgReading = SyslogNgReading {
    flags: "",
    parser: "",
    template: "$(format-json --pair time=$ISODATE --pair level=$LEVEL --pair facility=$FACILITY --pair app=$PROGRAM --pair pid=$PID --pair host=$HOST --pair peer=$SOURCEIP --pair msg=$MSG)",
};

const SYSLOG_NG_JSON: SyslogNgReading = SyslogNgReading {
    flags: "flags(no-parse)",
    parser: r#"parser { json-parser(prefix(".json.")); };"#,
    template: "$(format-json --scope none --key .json.* --pair peer=$SOURCEIP)",
};

struct Setup<'a> {
    place: &'a Path,
    file: &'a Path,
    address: SocketAddr,
    transport: Transport,
}

impl Setup<'_> {
    fn floor(&self) -> Command {
        let mut floor = Command::new(std::env::current_exe().expect("a bench has a path"));
        let flag =
            if self.transport == Transport::Tcp { "--floor" } else { "--floor-of-datagrams" };
        floor.arg(flag).arg(self.file).arg(self.address.to_string());
        floor
    }

    fn netlog(&self, http: SocketAddr) -> Command {
        let mut netlog = Command::new(Process::built("netlog-collector"));
        let listen = match self.transport {
            Transport::Tcp => format!("tcp://{}", self.address),
            Transport::Udp => format!("udp://{}", self.address),
        };
        netlog.args(["--rotate-size", "0", "--http", &http.to_string(), "--listen", &listen]);
        netlog.arg("--file").arg(self.file);
        netlog
    }

    /// With its faster TCP input, a queue of a fixed array and large writes, which it does not have
    /// by itself; for datagrams with batches and a receive buffer as large as the others'.
    fn rsyslog(&self, reading: RsyslogReading) -> Command {
        let RsyslogReading { template, actions } = reading;
        let (place, file, port) = (self.place.display(), self.file.display(), self.address.port());
        let (input, more) = match self.transport {
            Transport::Tcp => (r#"imptcp" threads="2"#, r#" socketBacklog="1024""#),
            Transport::Udp => (r#"imudp" threads="1" batchSize="128"#, r#" rcvbufSize="8m""#),
        };
        let kind = input.split('"').next().unwrap_or_default();
        let text = format!(
            r#"global(workDirectory="{place}" net.enableDNS="off" parser.escapeControlCharactersOnReceive="off")
main_queue(queue.type="FixedArray" queue.size="200000" queue.dequeueBatchSize="2048"
  queue.workerThreads="1" queue.highWatermark="180000" queue.lowWatermark="100000" queue.timeoutEnqueue="60000")
{template}
module(load="{input}")
ruleset(name="r") {{ {actions}action(type="omfile" file="{file}" template="line" ioBufferSize="256k" asyncWriting="off" flushOnTXEnd="on") }}
input(type="{kind}" address="127.0.0.1" port="{port}" ruleset="r"{more})
"#
        );
        let mut command = Command::new(clients().join("rsyslogd"));
        command.args(["-n", "-iNONE", "-M"]).arg(clients().join("rsyslog-modules"));
        command.arg("-f").arg(self.written(&text));
        command
    }

    /// With flow control, so that it loses nothing, and a window and batches that suit the load.
    fn syslog_ng(&self, reading: SyslogNgReading) -> Command {
        let SyslogNgReading { flags, parser, template } = reading;
        let (file, port) = (self.file.display(), self.address.port());
        let source = match self.transport {
            Transport::Tcp => r#"transport("tcp") max-connections(2000)"#,
            Transport::Udp => r#"transport("udp") so-rcvbuf(8388608)"#,
        };
        let text = format!(
            r#"@version: current
options {{ threaded(yes); stats-freq(0); keep-hostname(yes); use-dns(no); dns-cache(no); log-msg-size(65536); }};
source s {{ network(ip("127.0.0.1") port({port}) {flags}
  {source} log-iw-size(200000) log-fetch-limit(1000)); }};
destination d {{ file("{file}" template("{template}\n") flush-lines(1000) log-fifo-size(400000)); }};
log {{ source(s); {parser} destination(d); flags(flow-control); }};
"#
        );
        let mut command = Command::new(clients().join("syslog-ng"));
        command.args(["--foreground", "--no-caps"]).arg("-f").arg(self.written(&text));
        for (flag, name) in [("-R", "persist"), ("-p", "pid"), ("-c", "control")] {
            command.arg(flag).arg(self.place.join(name));
        }
        command
    }

    fn written(&self, text: &str) -> PathBuf {
        let path = self.place.join("conf");
        fs::write(&path, text).expect("a file can be written");
        path
    }
}
