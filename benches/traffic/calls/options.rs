//! What traffic is wanted.

use super::super::link::Link;
use super::scenario::{SCENARIOS, Scenario};

/// Scenarios with their weights.
pub type Mix = Vec<(&'static Scenario, f64)>;

/// How much traffic to make, and of what kind.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the traffic ends.
    pub amount: Amount,
    /// The same seed and options give the same file.
    pub seed: u64,
    /// The file format.
    pub format: Format,
    /// The link layer.
    pub link: Link,
    /// RTP packets of each answered call, both directions together.
    pub rtp_packets: u32,
    /// Share of calls over TCP.
    pub tcp_share: f64,
    /// Numbers of hops; each call gets one of them by chance. 1 to 3.
    pub hops: Vec<u8>,
    /// Share of UDP datagrams with SIP over 512 bytes that are cut into IP fragments.
    pub fragment_share: f64,
    /// Share of frames with SIP that are seen twice within a millisecond.
    pub mirror_share: f64,
    /// Share of messages over UDP that are repeated after half a second.
    pub retransmit_share: f64,
    /// Share of registrations among all that begins.
    pub register_share: f64,
    /// Calls that begin per second.
    pub calls_per_second: u32,
    /// No more than this many calls at once.
    pub open_calls: Option<usize>,
    /// The scenarios with their weights.
    pub mix: Mix,
}

/// Where the traffic ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// When the file has this many bytes, or a little more, calls or no calls.
    Bytes(u64),
    /// When this many calls (registrations and the like included) have come to their end.
    Calls(u64),
}

/// A capture file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pcap, little-endian, microseconds.
    Pcap,
    /// pcapng, little-endian, one interface, nanoseconds.
    Pcapng,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            amount: Amount::Bytes(550_000_000),
            seed: 1,
            format: Format::Pcap,
            link: Link::Ethernet,
            rtp_packets: 0,
            tcp_share: 0.3,
            hops: vec![1, 1, 1, 1, 1, 1, 1, 1, 2, 3],
            fragment_share: 0.02,
            mirror_share: 0.01,
            retransmit_share: 0.02,
            register_share: 0.1,
            calls_per_second: 100,
            open_calls: None,
            mix: SCENARIOS.iter().map(|scenario| (scenario, scenario.weight)).collect(),
        }
    }
}

/// Reads a mix: names of scenarios with weights, as in `plain=3,r301=1`. Scenarios not named do not happen.
pub fn parse_mix(text: &str) -> Result<Mix, String> {
    text.split(',')
        .map(|part| {
            let (name, weight) = part.split_once('=').ok_or_else(|| format!("{part}: NAME=WEIGHT is wanted"))?;
            let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name.trim());
            let scenario = scenario.ok_or_else(|| format!("{name}: no such scenario"))?;
            match weight.trim().parse::<f64>() {
                Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok((scenario, weight)),
                _ => Err(format!("{weight}: not a weight")),
            }
        })
        .collect()
}

/// Reads a size in bytes, with a decimal unit if wanted: `930MB`, `20k`, `1G`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        _ => return Err(format!("{unit}: not a unit")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text}: not a size"))?;
    number.checked_mul(factor).ok_or_else(|| format!("{text}: too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_units() {
        assert_eq!(parse_size("930MB"), Ok(930_000_000));
        assert_eq!(parse_size("7"), Ok(7));
        assert_eq!(parse_size("50G"), Ok(50_000_000_000));
        assert!(parse_size("MB").is_err() && parse_size("5 apples").is_err() && parse_size("99999999999999G").is_err());
    }

    #[test]
    fn a_mix_names_scenarios() {
        let mix = parse_mix("plain=3, r301=0.5").unwrap();
        assert_eq!(
            mix.iter().map(|(scenario, weight)| (scenario.name, *weight)).collect::<Vec<_>>(),
            [("plain", 3.0), ("r301", 0.5)]
        );
        assert!(parse_mix("nothing=1").is_err() && parse_mix("plain").is_err() && parse_mix("plain=-1").is_err());
    }
}
