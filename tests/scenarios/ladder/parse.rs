//! Reads a ladder: see `fixtures/rules/README.md` for the notation.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// A call flow and what the report must say of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ladder {
    pub(crate) actors: BTreeMap<String, Actor>,
    pub(crate) tcp: bool,
    /// What stands between every two actors; not part of the notation.
    pub(crate) way: Way,
    pub(crate) points: Vec<Point>,
    pub(crate) expect: Vec<String>,
    pub(crate) near: Vec<String>,
    pub(crate) open: Vec<String>,
    pub(crate) select: Vec<String>,
    pub(crate) redirects: Vec<String>,
    pub(crate) negotiations: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

/// What stands between every two actors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// Stateless proxies.
    pub(crate) relays: usize,
    /// Whether requests come by the first of them a second time.
    pub(crate) spiral: bool,
    /// Whether the last of them tries another target too, which is busy.
    pub(crate) forks: bool,
    /// Whether an element between them has a call of its own on the other side.
    pub(crate) other_leg: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) product: Option<String>,
}

/// A place of capture.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// Nanoseconds by which its clock is ahead.
    pub(crate) ahead: i64,
    /// Who is seen sending to whom.
    pub(crate) sees: Vec<(String, String)>,
}

/// How a message is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrow {
    Seen,
    SeenTwice,
    Unseen,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The line of the file, from 1.
    pub(crate) number: usize,
    /// Nanoseconds since the flow began.
    pub(crate) time: u64,
    pub(crate) act: Act,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    End,
    Send { from: String, to: String, arrow: Arrow, what: What, options: BTreeMap<String, String>, changes: Vec<Change> },
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Request { method: String, uri: Option<String>, forward: bool },
    Response { status: u16, reason: Option<String>, forward: bool },
    Again,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Header(String, String),
    Without(String),
    Sdp(u32),
    Body(String),
    /// Lines of the head end with LF alone.
    LineFeeds,
    /// Octets behind the message.
    Behind(String),
    /// Bytes of the message that the capture holds.
    Captured(usize),
}

/// Reads a ladder. What is wrong with it is said with the number of the line.
pub(crate) fn parse(text: &str) -> Result<Ladder, String> {
    let mut ladder = Ladder::default();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    for (_, line) in lines.by_ref() {
        if line.trim().is_empty() {
            break;
        }
    }
    for (number, line) in lines {
        let line = line.split_once(" # ").map_or(line, |(line, _)| line).trim_end();
        if line.trim_start().is_empty() || line.starts_with('#') {
            continue;
        }
        read(&mut ladder, number, line).map_err(|problem| format!("line {number}: {problem}: {line}"))?;
    }
    Ok(ladder)
}

fn read(ladder: &mut Ladder, number: usize, line: &str) -> Result<(), String> {
    if line.starts_with(char::is_whitespace) {
        let change = change(line.trim())?;
        return match ladder.lines.last_mut().map(|line| &mut line.act) {
            Some(Act::Send { changes, .. }) => {
                changes.push(change);
                Ok(())
            }
            _ => Err("no message above".into()),
        };
    }
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
    match word {
        "actor" => {
            let actor = actor(rest)?;
            ladder.actors.insert(actor.name.clone(), actor);
        }
        "over" if rest == "tcp" => ladder.tcp = true,
        "point" => ladder.points.push(point(rest)?),
        "expect" => repeated(rest, &mut ladder.expect),
        "open" => repeated(rest, &mut ladder.open),
        "near" => ladder.near.push(rest.into()),
        "select" => ladder.select.extend(rest.split_whitespace().map(str::to_owned)),
        "redirect" => ladder.redirects.push(single_spaced(rest)),
        "negotiation" => ladder.negotiations.push(single_spaced(rest)),
        time => {
            let time = nanos(time).ok_or("neither a setting nor a time")?;
            let time = u64::try_from(time).map_err(|_| "a time before the flow")?;
            if ladder.lines.last().is_some_and(|last| last.time > time) {
                return Err("earlier than the line above".into());
            }
            let act = if rest == "end" { Act::End } else { send(ladder, rest)? };
            ladder.lines.push(Line { number, time, act });
        }
    }
    Ok(())
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn repeated(text: &str, all: &mut Vec<String>) {
    let text = single_spaced(text);
    let (what, times) = match text.rsplit_once(" x") {
        Some((what, times)) if times.parse::<usize>().is_ok() => (what.to_owned(), times.parse().unwrap_or(1)),
        _ => (text, 1),
    };
    all.extend(std::iter::repeat_n(what, times));
}

/// Seconds with a fraction.
fn nanos(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "times of flows are small")]
    Some((seconds * 1e6).round() as i64 * 1_000)
}

fn actor(text: &str) -> Result<Actor, String> {
    let mut words = text.splitn(3, char::is_whitespace).map(str::trim);
    let mut rest = text.split_whitespace();
    let (Some(name), Some(address)) = (rest.next(), rest.next()) else {
        return Err("an actor needs an address".into());
    };
    let product = words.nth(1).map(|_| text.split_once(address).map_or("", |(_, product)| product.trim()));
    let address = match address.parse::<SocketAddr>() {
        Ok(address) => address,
        Err(_) => SocketAddr::new(address.parse::<IpAddr>().map_err(|_| "no address")?, 5060),
    };
    let product = product.filter(|product| !product.is_empty()).map(str::to_owned);
    Ok(Actor { name: name.into(), address, product })
}

fn point(text: &str) -> Result<Point, String> {
    let (before, sees) = text.split_once(" sees ").ok_or("a point says what it sees")?;
    let ahead = match before.split_once(" ahead ") {
        Some((_, seconds)) => nanos(seconds.trim()).ok_or("no number of seconds")?,
        None => 0,
    };
    let mut pairs = Vec::new();
    for pair in sees.split(',').map(str::trim) {
        if let Some((from, to)) = pair.split_once("->") {
            pairs.push((from.trim().into(), to.trim().into()));
        } else {
            let (one, other) = pair.split_once('-').ok_or("neither a pair nor a direction")?;
            pairs.push((one.trim().to_owned(), other.trim().to_owned()));
            pairs.push((other.trim().into(), one.trim().into()));
        }
    }
    Ok(Point { ahead, sees: pairs })
}

fn send(ladder: &Ladder, text: &str) -> Result<Act, String> {
    let mut words = text.split_whitespace().peekable();
    let mut actor = |what: &str| {
        let name = words.next().unwrap_or_default();
        let known = ladder.actors.contains_key(name) || what == "arrow";
        if known { Ok(name.to_owned()) } else { Err(format!("{name:?} is no actor")) }
    };
    let (from, arrow, to) = (actor("sender")?, actor("arrow")?, actor("receiver")?);
    let arrow = match arrow.as_str() {
        "->" => Arrow::Seen,
        "=>" => Arrow::SeenTwice,
        "~>" => Arrow::Unseen,
        _ => return Err("an arrow is ->, => or ~>".into()),
    };
    let first = words.next().ok_or("nothing is sent")?;
    let mut options = BTreeMap::new();
    let mut plain = Vec::new();
    let mut forward = false;
    for word in words {
        match word.split_once('=') {
            Some((name @ ("call" | "cseq" | "branch" | "from" | "to" | "fromtag" | "totag"), value)) => {
                options.insert(name.to_owned(), value.to_owned());
            }
            _ if word == "forward" => forward = true,
            _ => plain.push(word),
        }
    }
    let what = if first == "again" {
        What::Again
    } else if let Ok(status) = first.parse() {
        let reason = (!plain.is_empty()).then(|| plain.join(" "));
        What::Response { status, reason, forward }
    } else {
        let uri = plain.first().map(|uri| (*uri).to_owned());
        if plain.len() > 1 {
            return Err("a request has one URI".into());
        }
        What::Request { method: first.into(), uri, forward }
    };
    Ok(Act::Send { from, to, arrow, what, options, changes: Vec::new() })
}

fn change(text: &str) -> Result<Change, String> {
    if let Some(name) = text.strip_prefix('-') {
        return Ok(Change::Without(name.trim().into()));
    }
    if let Some(version) = text.strip_prefix("sdp ") {
        return Ok(Change::Sdp(version.trim().parse().map_err(|_| "no version")?));
    }
    if let Some(body) = text.strip_prefix("body ") {
        return Ok(Change::Body(body.replace("\\n", "\n")));
    }
    if text == "line feeds" {
        return Ok(Change::LineFeeds);
    }
    if let Some(octets) = text.strip_prefix("behind ") {
        return Ok(Change::Behind(octets.into()));
    }
    if let Some(bytes) = text.strip_prefix("captured ") {
        return Ok(Change::Captured(bytes.trim().parse().map_err(|_| "no number of bytes")?));
    }
    let (name, value) = text.split_once(':').ok_or("neither a header nor a change")?;
    Ok(Change::Header(name.trim().into(), value.trim().into()))
}
