//! From messages to facts: transactions, dialogs, redirects and negotiations of each call, and links between calls.
//!
//! Messages are kept by Call-ID until their call is over; then they are sorted by time and everything is worked out over the
//! whole call at once. This room knows no rules and writes nothing.

mod attempts;
mod calls;
mod dialog;
mod extract;
mod facts;
mod filter;
mod handling;
mod links;
mod listing;
mod marks;
mod mirror;
mod missing;
mod negotiation;
mod oddity;
mod offer;
mod record;
mod redirect;
mod text;
mod timer;
mod transaction;
mod unseen;
mod view;

pub use attempts::Attempts;
pub use calls::{Arriving, CallKey, CallStats, Calls, Ended, digest};
pub use dialog::{Agreement, Bye, Dialog, DialogState, Dialogs, EndCause, RefreshRequest, dialogs};
pub use extract::{Found, extract};
pub use facts::{
    ChainEnd, Evidence, FollowUp, Kept, Link, Negotiation, NegotiationOutcome, Party, Place, Redirect, RedirectOutcome,
    Refused, Retry, Role, Round, Text, Tried, Watch,
};
pub use filter::{BadCondition, Filter, MethodName, Network, Pattern, StatusCodes};
pub use handling::{Elsewhere, Failure, Handling, Leak, Rare, Sent};
pub use links::{Again, Candidate, Links, Order, SETTLED_NANOS, Signal};
pub use listing::{ListedAgreement, ListedDialog, ListedMessage, ListedTimer, listing};
pub use marks::{Marks, TimerMarks};
pub use mirror::{MirrorSpans, mirrors};
pub use negotiation::{negotiations, refresher_name};
pub use oddity::{OddGroup, Oddities, Oddity, Origin as OddOrigin, Sighting};
pub use offer::{Description, Offer};
pub use record::{ContactRecord, Extra, Kind, MessageRecord, Method, OddTimers, Seconds, ViaRange};
pub use redirect::{Destination, Redirections, equals, goes_to_any, matches, target_key};
pub use text::{Span, Texts};
pub use timer::{Answered, Exchange, exchanges};
pub use transaction::{Answer, Hop, INVITE_REPEATS, Repeat, Transactions, transactions};
pub use unseen::Unseen;
pub use view::{CallView, Event, TIMEOUT_NANOS, place_of};
