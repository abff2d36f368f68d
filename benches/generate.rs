//! Writes a capture full of calls, and the truth about it.
//!
//! `cargo run --release --example generate -- OUT.pcap --truth OUT.json`
#![forbid(unsafe_code)]

pub mod traffic;

use clap::{Parser, ValueEnum};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use traffic::calls::generator::generate;
use traffic::calls::options::{Amount, Format, Mix, Options, parse_mix, parse_size};
use traffic::calls::scenario::SCENARIOS;
use traffic::link::Link;

/// Frame bytes of an average call without RTP, records included, to choose how fast calls begin.
const BYTES_PER_CALL: u64 = 4_600;
/// How long a capture lasts, roughly, if the calls do not come faster than at [`MOST_CALLS_PER_SECOND`].
const DURATION_SECONDS: u64 = 900;
/// The most calls that begin in a second unless told otherwise.
const MOST_CALLS_PER_SECOND: u64 = 200;

/// Makes captures with a known content. The default is a signalling-heavy one; `--rtp 200 --size 930MB` gives a media-heavy
/// one.
#[derive(Debug, Parser)]
#[command(after_help = scenarios())]
struct Arguments {
    /// The capture to write.
    output: PathBuf,
    /// Where to write what is known about the capture, as JSON.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Size of the capture; it ends in the middle of things.
    #[arg(long, default_value = "550MB", value_parser = parse_size, conflicts_with = "calls")]
    size: u64,
    /// Number of calls; all come to their end.
    #[arg(long)]
    calls: Option<u64>,
    /// RTP packets of each answered call, both directions together.
    #[arg(long, default_value_t = 0)]
    rtp: u32,
    /// Share of calls over TCP.
    #[arg(long, default_value_t = 0.3)]
    tcp_share: f64,
    /// Scenarios with weights, as in plain=3,r301=1; those not named do not happen.
    #[arg(long, value_parser = parse_mix)]
    mix: Option<Mix>,
    /// Numbers of hops, 1 to 3; each call gets one of the list by chance.
    #[arg(long, value_delimiter = ',', default_value = "1,1,1,1,1,1,1,1,2,3", value_parser = clap::value_parser!(u8).range(1..=3))]
    hops: Vec<u8>,
    /// Share of UDP datagrams over 512 bytes that are cut into IP fragments.
    #[arg(long, default_value_t = 0.02)]
    fragment_share: f64,
    /// Share of frames with SIP that are seen twice within a millisecond.
    #[arg(long, default_value_t = 0.01)]
    mirror_share: f64,
    /// Share of messages over UDP that are repeated.
    #[arg(long, default_value_t = 0.02)]
    retransmit_share: f64,
    /// Share of registrations among all that begins.
    #[arg(long, default_value_t = 0.1)]
    register_share: f64,
    /// No more calls at once than this.
    #[arg(long)]
    open: Option<usize>,
    /// Calls that begin per second, on average. By default so many that the capture lasts some minutes.
    #[arg(long)]
    calls_per_second: Option<u32>,
    /// File format.
    #[arg(long, value_enum, default_value = "pcap")]
    format: FormatName,
    /// Link layer.
    #[arg(long, value_enum, default_value = "ethernet")]
    link: LinkName,
    /// The same seed and options give the same file.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    Pcap,
    Pcapng,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LinkName {
    Ethernet,
    Vlan,
    Sll,
    Sll2,
    Raw,
    Null,
    Loop,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done if even this cannot be said.
            let _ = writeln!(io::stderr(), "generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    let out = BufWriter::with_capacity(1 << 20, File::create(&arguments.output)?);
    let truth_path = arguments.truth.clone();
    let (truth, _) = generate(options(arguments), out)?;
    let text = format!("{truth:#}\n");
    match truth_path {
        Some(path) => std::fs::write(path, text),
        None => io::stdout().write_all(text.as_bytes()),
    }
}

fn options(arguments: Arguments) -> Options {
    let amount = arguments.calls.map_or(Amount::Bytes(arguments.size), Amount::Calls);
    let calls = match amount {
        Amount::Calls(calls) => calls,
        // An RTP packet is 230 bytes in the file.
        Amount::Bytes(size) => size / (BYTES_PER_CALL + 230 * u64::from(arguments.rtp)),
    };
    let pace = (calls / DURATION_SECONDS).clamp(2, MOST_CALLS_PER_SECOND);
    let pace = match (arguments.calls_per_second, arguments.open) {
        (Some(pace), _) => pace,
        // Fast enough to reach the number wanted within seconds.
        (None, Some(open)) => u32::try_from(open / 5).unwrap_or(u32::MAX).max(2),
        (None, None) => u32::try_from(pace).unwrap_or(2),
    };
    let defaults = Options::default();
    Options {
        amount,
        seed: arguments.seed,
        format: match arguments.format {
            FormatName::Pcap => Format::Pcap,
            FormatName::Pcapng => Format::Pcapng,
        },
        link: match arguments.link {
            LinkName::Ethernet => Link::Ethernet,
            LinkName::Vlan => Link::Tagged(&[(0x88a8, 20), (0x8100, 7)]),
            LinkName::Sll => Link::Sll,
            LinkName::Sll2 => Link::Sll2,
            LinkName::Raw => Link::Raw(101),
            LinkName::Null => Link::Null { big_endian: false },
            LinkName::Loop => Link::Loop,
        },
        rtp_packets: arguments.rtp,
        tcp_share: arguments.tcp_share,
        hops: arguments.hops,
        fragment_share: arguments.fragment_share,
        mirror_share: arguments.mirror_share,
        retransmit_share: arguments.retransmit_share,
        register_share: arguments.register_share,
        calls_per_second: pace,
        open_calls: arguments.open,
        mix: arguments.mix.unwrap_or(defaults.mix),
    }
}

/// The scenarios, for the help text.
fn scenarios() -> String {
    let lines = SCENARIOS
        .iter()
        .map(|scenario| format!("  {:<20} {:>5}  {}\n", scenario.name, scenario.weight, scenario.summary));
    format!("Scenarios and their usual weights:\n{}", lines.collect::<String>())
}
