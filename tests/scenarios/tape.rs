//! Writes down what passes a wire, and has it analysed.

use std::io::Write;

use reinvite::correlation::Filter;
use reinvite::findings::Settings;
use reinvite::options::{Options, Selection};
use serde_json::Value;

use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MILLISECOND, Packet, Wire};
use crate::traffic::pcap;
use crate::traffic::sip::Message;

/// A caller.
pub(crate) const ALICE: &str = "192.0.2.10:5060";
/// A proxy, or redirect server.
pub(crate) const PROXY: &str = "192.0.2.1:5060";
/// A callee.
pub(crate) const BOB: &str = "192.0.2.20:5060";
/// Another callee.
pub(crate) const CAROL: &str = "192.0.2.30:5060";

/// A capture in the making. Times are in milliseconds.
pub(crate) struct Tape {
    wire: Wire,
    packets: Vec<Packet>,
}

impl Tape {
    pub(crate) fn new() -> Self {
        Self { wire: Wire::new(Link::Ethernet), packets: Vec::new() }
    }

    /// A datagram.
    pub(crate) fn say(&mut self, at: u64, from: &str, to: &str, message: &[u8]) {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        self.packets.push(self.wire.udp(EPOCH + at * MILLISECOND, from, to, message));
    }

    /// A request and its answer 5 ms later; gives the answer.
    pub(crate) fn ask(&mut self, at: u64, from: &str, to: &str, request: &Request, answer: Message) -> Vec<u8> {
        self.say(at, from, to, &request.text());
        let answer = answer.finish();
        self.say(at + 5, to, from, &answer);
        answer
    }

    /// The last packet again, as a mirror port shows it.
    pub(crate) fn mirror(&mut self) {
        let copy = self.packets.last().unwrap().again(MILLISECOND / 10);
        self.packets.push(copy);
    }

    /// Something else, so that the capture goes on until then.
    pub(crate) fn until(&mut self, at: u64) {
        self.say(at, "192.0.2.99:9", "192.0.2.98:9", b"nothing");
    }

    /// The report of what was written down.
    pub(crate) fn report(self) -> Value {
        report_of(&[self.file(0)])
    }

    /// The report of the calls that a filter takes.
    pub(crate) fn filtered(self, filter: Filter) -> Value {
        report_with(&[self.file(0)], &Options { filter, ..Options::default() })
    }

    /// The report with thresholds of its own.
    pub(crate) fn judged_by(self, settings: Settings) -> Value {
        report_with(&[self.file(0)], &Options { settings, ..Options::default() })
    }

    /// Leaves out packets as `is_lost` says, which is asked for each.
    pub(crate) fn lose(&mut self, mut is_lost: impl FnMut() -> bool) {
        self.packets.retain(|_| !is_lost());
    }

    /// The capture with clocks that go ahead by this much.
    pub(crate) fn file(mut self, ahead: u64) -> Vec<u8> {
        self.packets.sort_by_key(|packet| packet.time);
        for packet in &mut self.packets {
            packet.time += ahead * MILLISECOND;
        }
        pcap::file(pcap::Layout::usual(Link::Ethernet), &self.packets).unwrap()
    }
}

/// The report of several captures.
pub(crate) fn report_of(captures: &[Vec<u8>]) -> Value {
    report_with(captures, &Options::default())
}

/// The same with only those findings that are selected; all if there are none.
pub(crate) fn report_selecting(captures: &[Vec<u8>], select: &[String]) -> Value {
    let selection = Selection { select: select.to_vec(), ..Selection::default() };
    report_with(captures, &Options { selection, ..Options::default() })
}

fn report_with(captures: &[Vec<u8>], options: &Options) -> Value {
    let (_files, paths) = files(captures);
    let options = Options { threads: 1, ..options.clone() };
    let analysis = reinvite::pipeline::analyze(&paths, &options).unwrap();
    serde_json::to_value(reinvite::report::build(&analysis)).unwrap()
}

/// Captures as files, which are there as long as what comes first.
pub(crate) fn files(captures: &[Vec<u8>]) -> (Vec<tempfile::NamedTempFile>, Vec<std::path::PathBuf>) {
    let file = |bytes: &Vec<u8>| {
        let mut file = tempfile::Builder::new().suffix(".pcap").tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    let files: Vec<_> = captures.iter().map(file).collect();
    let paths = files.iter().map(|file| file.path().to_owned()).collect();
    (files, paths)
}

/// A request that can be varied.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) uri: String,
    pub(crate) vias: Vec<(String, String)>,
    pub(crate) from: String,
    pub(crate) from_tag: String,
    pub(crate) to: String,
    pub(crate) to_tag: Option<String>,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) headers: Vec<(String, String)>,
}

impl Request {
    /// An INVITE of Alice for `uri`; the branch is made of the Call-ID, the CSeq number and `uri`.
    pub(crate) fn invite(call_id: &str, cseq: u32, uri: &str) -> Self {
        Self::of("INVITE", call_id, cseq, uri)
    }

    pub(crate) fn of(method: &'static str, call_id: &str, cseq: u32, uri: &str) -> Self {
        let branch: String = uri.chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            method,
            uri: uri.into(),
            vias: vec![(ALICE.into(), format!("z9hG4bK{call_id}{cseq}{branch}"))],
            from: "sip:alice@example.com".into(),
            from_tag: "a".into(),
            to: "sip:bob@example.com".into(),
            to_tag: None,
            call_id: call_id.into(),
            cseq,
            headers: vec![("User-Agent".into(), "Phone".into())],
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    /// With `Supported: timer` and a session interval.
    pub(crate) fn timer(self, seconds: u32) -> Self {
        self.with("Supported", "timer").with("Session-Expires", seconds)
    }

    pub(crate) fn tags(mut self, from: &str, to: Option<&str>) -> Self {
        self.from_tag = from.into();
        self.to_tag = to.map(Into::into);
        self
    }

    /// As a proxy forwards it.
    pub(crate) fn by(mut self, proxy: &str, branch: &str) -> Self {
        self.vias.insert(0, (proxy.into(), format!("z9hG4bK{branch}")));
        self
    }

    pub(crate) fn aimed_at(mut self, uri: &str) -> Self {
        self.uri = uri.into();
        self
    }

    /// With a Via list of one entry, as an element writes it that hides the list.
    pub(crate) fn hiding(mut self, element: &str, branch: &str) -> Self {
        self.vias = vec![(element.into(), branch.into())];
        self
    }

    fn message(&self) -> Message {
        let mut message = Message::request(self.method, &self.uri);
        for (host, branch) in &self.vias {
            message = message.via("UDP", host, branch);
        }
        message = message
            .from(format_args!("<{}>", self.from), &self.from_tag)
            .to(format_args!("<{}>", self.to), self.to_tag.as_deref())
            .call_id(&self.call_id)
            .cseq(self.cseq, self.method);
        for (name, value) in &self.headers {
            message = message.header(name, value);
        }
        message
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        self.message().finish()
    }

    /// A response to it.
    pub(crate) fn reply(&self, status: u16, to_tag: &str) -> Message {
        Message::reply(&self.text(), status, (!to_tag.is_empty()).then_some(to_tag)).server("Server")
    }

    /// The ACK to another final response than a 2xx, or with a new branch the one to a 2xx.
    pub(crate) fn ack(&self, to_tag: &str) -> Self {
        let mut ack = self.clone();
        ack.method = "ACK";
        ack.to_tag = Some(to_tag.into());
        ack
    }
}

/// The rule about intervals that are shorter than they need be. Those of flows are, so that they can be read.
pub(crate) const SHORT: &str = "timer-interval-below-recommended";

/// The findings of a report as `rule severity`, but for those about [`SHORT`] intervals.
pub(crate) fn findings(report: &Value) -> Vec<String> {
    let mut names = all_findings(report);
    names.retain(|name| !name.starts_with(SHORT));
    names
}

/// The findings of a report as `rule severity`.
pub(crate) fn all_findings(report: &Value) -> Vec<String> {
    let all = report["findings"].as_array().unwrap();
    let mut names: Vec<String> = all
        .iter()
        .map(|found| format!("{} {}", found["rule"].as_str().unwrap(), found["severity"].as_str().unwrap()))
        .collect();
    names.sort();
    names
}

/// Redirects as `status outcome link attempt final position/length`.
pub(crate) fn redirects(report: &Value) -> Vec<String> {
    let all = report["redirects"].as_array().unwrap();
    all.iter()
        .map(|row| {
            let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!(
                "{} {} {} {} {} {}/{}",
                row["status"],
                word(&row["outcome"]),
                word(&row["link"]),
                row["attempt_status"],
                row["final_status"],
                row["chain"]["position"],
                row["chain"]["length"]
            )
        })
        .collect()
}

/// Negotiations as `rounds outcome final`.
pub(crate) fn negotiations(report: &Value) -> Vec<String> {
    let all = report["negotiations"].as_array().unwrap();
    let rounds = |row: &Value| row["rounds"].as_array().unwrap().len();
    all.iter()
        .map(|row| format!("{} {} {}", rounds(row), row["outcome"].as_str().unwrap(), row["final_status"]))
        .collect()
}
