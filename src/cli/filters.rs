//! Options that say which calls a run is about.

use clap::Args;

use reinvite::correlation::{Filter, MethodName, Network, Pattern, StatusCodes};
use reinvite::time::Timestamp;

use super::config::{Config, One};

/// Conditions for calls. All kinds that are given must apply; of several values of one kind, one must.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which calls (linked ones stay in; capture_quality counts everything)")]
pub(super) struct Filters {
    /// Calls with a From URI that has this part, or matches /this expression/
    #[arg(long, value_name = "TEXT")]
    from: Vec<Pattern>,
    /// Calls with a To URI that has this part, or matches /this expression/
    #[arg(long, value_name = "TEXT")]
    to: Vec<Pattern>,
    /// Calls with a Call-ID that has this part, or matches /this expression/
    #[arg(long, value_name = "TEXT")]
    call_id: Vec<Pattern>,
    /// Calls with a message from or to this address or prefix, such as 192.0.2.0/24
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    host: Vec<Network>,
    /// Calls that a request with this method started, or with one that matches /this expression/
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    method: Vec<MethodName>,
    /// Calls with a response of this status code or class, such as 422 or 3xx
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    status: Vec<StatusCodes>,
    /// Calls with a message from this time or later, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Timestamp>,
    /// Calls with a message from this time or earlier
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Timestamp>,
}

impl Filters {
    /// Takes what a file says where nothing of the kind was given.
    pub(super) fn fill(&mut self, config: &mut Config) {
        std::mem::take(&mut config.from).unless(&mut self.from);
        std::mem::take(&mut config.to).unless(&mut self.to);
        std::mem::take(&mut config.call_id).unless(&mut self.call_id);
        std::mem::take(&mut config.host).unless(&mut self.host);
        std::mem::take(&mut config.method).unless(&mut self.method);
        std::mem::take(&mut config.status).unless(&mut self.status);
        self.since = self.since.or_else(|| config.since.take().map(|One(time)| time));
        self.until = self.until.or_else(|| config.until.take().map(|One(time)| time));
    }

    /// Whether they ask for names or addresses.
    pub(super) fn names_anybody(&self) -> bool {
        !(self.from.is_empty() && self.to.is_empty() && self.call_id.is_empty() && self.host.is_empty())
    }

    /// The same for the library.
    pub(super) fn filter(&self) -> Filter {
        Filter {
            since: self.since,
            until: self.until,
            hosts: self.host.clone(),
            methods: self.method.clone(),
            statuses: self.status.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            call_ids: self.call_id.clone(),
        }
    }
}
