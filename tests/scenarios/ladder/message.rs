//! SIP messages that can be changed header by header.

use super::parse::Change;
use crate::traffic::sip::sdp;

/// Headers whose later values stand in lines of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) start: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// Lines of the head end with LF alone.
    line_feeds: bool,
    /// There is no Content-Length.
    without_length: bool,
    /// Octets behind it.
    behind: String,
}

impl Message {
    pub(super) fn new(start: String) -> Self {
        Self { start, ..Self::default() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Sets the header, in its place if it is there, else behind all others.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, known)) => *known = value.into(),
            None => self.add(name, value),
        }
    }

    pub(super) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    pub(super) fn vias(&self) -> Vec<&str> {
        self.headers.iter().filter(|(name, _)| name == "Via").map(|(_, value)| value.as_str()).collect()
    }

    /// Puts a Via on top.
    pub(super) fn push_via(&mut self, via: String) {
        self.headers.insert(0, ("Via".into(), via));
    }

    /// Takes the Via on top away.
    pub(super) fn pop_via(&mut self) {
        if let Some(top) = self.headers.iter().position(|(name, _)| name == "Via") {
            self.headers.remove(top);
        }
    }

    /// The tag of From or To.
    pub(super) fn tag(&self, name: &str) -> Option<String> {
        let value = self.get(name)?;
        value.split(";tag=").nth(1).map(|tag| tag.split(';').next().unwrap_or_default().to_owned())
    }

    /// The number of CSeq.
    pub(super) fn cseq(&self) -> u32 {
        self.get("CSeq").and_then(|value| value.split(' ').next()?.parse().ok()).unwrap_or(0)
    }

    pub(super) fn change(&mut self, changes: &[Change], address: &str) {
        let mut set: Vec<&str> = Vec::new();
        for change in changes {
            match change {
                Change::Header(name, value) if set.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
                    self.add(name, value.as_str());
                }
                Change::Header(name, value) => {
                    self.set(name, value.as_str());
                    set.push(name);
                }
                Change::Without(name) => {
                    self.remove(name);
                    self.without_length |= name.eq_ignore_ascii_case("Content-Length");
                }
                Change::Sdp(version) => {
                    self.set("Content-Type", "application/sdp");
                    self.body = sdp(address, 4000).replace(" 1 IN IP4", &format!(" {version} IN IP4"));
                }
                Change::LineFeeds => self.line_feeds = true,
                Change::Behind(octets) => self.behind.clone_from(octets),
                Change::Captured(_) => {}
                Change::Body(text) => {
                    self.set("Content-Type", "text/plain");
                    self.body.clone_from(text);
                }
            }
        }
    }

    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let given = self.get("Content-Length").or_else(|| self.get("l")).is_some();
        if !given && !self.without_length {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        if self.line_feeds {
            text = text.replace("\r\n", "\n");
        }
        text.push_str(&self.body);
        text.push_str(&self.behind);
        text.into_bytes()
    }
}
