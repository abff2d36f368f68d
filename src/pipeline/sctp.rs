//! SIP in SCTP: the messages of associations, each of which is one of SIP (RFC 4168 4).

use super::messages::{Messages, Spare};
use super::streams::{Loss, StreamContext};
use super::yields::{Envelope, SctpItem, Spot};
use crate::net::Transport;
use crate::reassembly::{SctpPiece, SctpTable, Shown};
use crate::sip::{looks_like_sip, may_be_sip};
use crate::time::Timestamp;

/// A table of associations that carry SIP.
pub(crate) fn table() -> SctpTable {
    SctpTable::new(|bytes, shown| match shown {
        Shown::Whole => looks_like_sip(bytes),
        Shown::Beginning => may_be_sip(bytes),
    })
}

/// Takes the packets of a batch, and gives up what is due until `reached`.
pub(crate) fn run_sctp(
    table: &mut SctpTable,
    mut packets: Vec<SctpItem<'_>>,
    reached: Timestamp,
    spare: &Spare,
) -> Option<StreamContext<'static>> {
    if packets.is_empty() && table.due().is_none_or(|due| due >= reached) {
        return None;
    }
    packets.sort_by_key(|item| item.spot.order(0));
    let mut context = StreamContext::new(Spot::behind(reached), spare.of_few());
    for SctpItem { spot, packet, extent } in packets {
        give_up(table, spot.arrival.watermark, &mut context);
        context.advance(spot);
        table.packet(spot.capture_source, &packet, extent, spot.arrival, &mut |source, piece| {
            take(source, piece, &mut context)
        });
    }
    give_up(table, reached, &mut context);
    Some(context)
}

fn give_up(table: &mut SctpTable, now: Timestamp, context: &mut StreamContext<'static>) {
    while let Some(due) = table.due().filter(|due| *due < now) {
        context.advance(Spot::behind(due));
        table.advance(due, &mut |source, piece| take(source, piece, context));
    }
}

/// The input is over, and `last` was its last frame.
pub(crate) fn finish_sctp(table: &mut SctpTable, last: Spot, list: Messages) -> StreamContext<'static> {
    let mut context = StreamContext::new(last, list);
    table.finish(&mut |source, piece| take(source, piece, &mut context));
    context
}

fn take(capture_source: u32, piece: SctpPiece<'_>, context: &mut StreamContext<'static>) {
    match piece {
        SctpPiece::Lost { path, since } => {
            let now = context.now.arrival;
            context.losses.push(Loss { capture_source, path, since, until: now.time, shown: now.watermark })
        }
        SctpPiece::Message { path, bytes, extents, cut, arrival } => {
            let Ok(message) = context.given.read(bytes, cut) else { return };
            let envelope = Envelope {
                spot: Spot { capture_source, arrival, ..context.now },
                position: context.count,
                source: path.0,
                destination: path.1,
                transport: Transport::Sctp,
                identification: 0,
                extents,
                trailing: 0,
                missing: 0,
            };
            let order = context.now.order(context.count);
            context.given.message(&message, &envelope, order);
            context.count += 1;
        }
    }
}
