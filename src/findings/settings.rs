//! The thresholds of rules that no standard fixes. Each has a default; a run can be told others.

use serde::{Deserialize, Serialize};

use crate::correlation::MirrorSpans;
use crate::time::NANOS_PER_SECOND;

/// Whose rules hold in the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The RFCs alone.
    #[default]
    Standard,
    /// 3GPP IMS: a UE that supports RFC 4028 has to retry after a 422 to INVITE (TS 24.229 5.1.2A.1.1), so that giving up is an error.
    Ims,
}

/// Thresholds of rules. In a file they have these names, with `-` for `_`; what is left out keeps its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whose rules hold in the network. Concerns `timer-422-unresolved`.
    pub profile: Profile,
    /// `redirect-chain`: from how many redirects in a row on it is a notice; from two on it is for information.
    pub chain_notice: u64,
    /// `redirect-chain`: from how many on it is a warning.
    pub chain_warning: u64,
    /// `permanent-redirect-expiring`: from how many seconds on a lifetime goes with 301. A shorter one makes no entry of `address_updates`.
    pub permanent_lifetime_s: u64,
    /// `temporary-redirect-repeated`: from how many calls on that get the same 302 it is said.
    pub temporary_repeats: u64,
    /// `ack-missing-2xx`, `ack-missing-non2xx`, `redirect-ack-missing`: from how many copies of a final answer on its ACK is missed. With
    /// fewer than `ack_given_up_copies` that is counted as indeterminate.
    pub ack_missing_copies: u64,
    /// The same rules: how many copies show that their sender gave up without an ACK, where it did not send them for as long as RFC 3261
    /// 17.2.1 and 13.3.1.4 have it: eleven in 32 s. Who stops earlier may have got an ACK that the capture lacks.
    pub ack_given_up_copies: u64,
    /// `timer-refresh-late`: by how many seconds a refresh may come after half of the interval (RFC 4028 10 recommends the half)…
    pub refresh_late_slack_s: u64,
    /// …or by how many percent of the interval, whichever is more.
    pub refresh_late_slack_percent: u64,
    /// `timer-bye-on-expiry`, `timer-session-expired`: by how many seconds clocks and packets may be off around the times of RFC 4028 10.
    pub expiry_slack_s: u64,
    /// `timer-bye-on-expiry`: from how many calls of the same two parties on that ended at the same time of their sessions it is sure that
    /// the timer ended them.
    pub expiry_repeats: u64,
    /// `timer-session-expired-no-bye`: how many seconds after expiry a BYE may come at the latest: 64*T1 (RFC 3261 17.1.2.2) and the slack.
    pub clean_up_s: u64,
    /// `timer-interval-below-recommended`: the session interval in seconds that is recommended (RFC 4028 4).
    pub recommended_interval_s: u64,
    /// `timer-refresh-retry-storm`: how many refreshes may fail alike within half of the interval.
    pub refresh_failures: u64,
    /// `timer-422-loop`: how many rounds a negotiation may have.
    pub negotiation_rounds: u64,
    /// `timer-glare-backoff-wrong`: how many milliseconds after 491 who made the Call-ID may send again at the latest: 4 s (RFC 3261
    /// 14.1), and half a second for the way.
    pub glare_latest_owner_ms: u64,
    /// `timer-glare-backoff-wrong`: the same for the other party: 2 s (RFC 3261 14.1), and half a second for the way.
    pub glare_latest_other_ms: u64,
    /// All rules: how many milliseconds apart copies of a datagram are one packet that was captured twice (a mirror port).
    pub mirror_copy_ms: u64,
    /// All rules: the same for copies that are one IP packet by their identification; and over TCP, of several places of capture.
    pub mirror_packet_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Standard,
            chain_notice: 3,
            chain_warning: 5,
            permanent_lifetime_s: 86_400,
            temporary_repeats: 3,
            ack_missing_copies: 3,
            ack_given_up_copies: 11,
            refresh_late_slack_s: 5,
            refresh_late_slack_percent: 10,
            expiry_slack_s: 5,
            expiry_repeats: 3,
            clean_up_s: 37,
            recommended_interval_s: 1_800,
            refresh_failures: 3,
            negotiation_rounds: 5,
            glare_latest_owner_ms: 4_500,
            glare_latest_other_ms: 2_500,
            mirror_copy_ms: 10,
            mirror_packet_ms: 2_000,
        }
    }
}

/// That many thousandths of a second, in nanoseconds.
fn milliseconds(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_SECOND / 1_000)
}

impl Settings {
    /// By how much after half of `interval` seconds a refresh may come, in nanoseconds.
    pub(super) fn refresh_late_slack(&self, interval: u64) -> i64 {
        let share = milliseconds(interval.saturating_mul(self.refresh_late_slack_percent).saturating_mul(10));
        share.max(milliseconds(self.refresh_late_slack_s.saturating_mul(1_000)))
    }

    /// By how much times around expiry may be off, in nanoseconds.
    pub(super) fn expiry_slack(&self) -> i64 {
        milliseconds(self.expiry_slack_s.saturating_mul(1_000))
    }

    /// How long after expiry a BYE may come, in nanoseconds.
    pub(super) fn clean_up(&self) -> i64 {
        milliseconds(self.clean_up_s.saturating_mul(1_000))
    }

    /// Within which times copies of a packet are mirrors of it.
    pub fn mirror_spans(&self) -> MirrorSpans {
        MirrorSpans { any_copy: milliseconds(self.mirror_copy_ms), same_packet: milliseconds(self.mirror_packet_ms) }
    }

    /// How long after 491 a request may be sent again at the latest, in nanoseconds.
    pub(super) fn glare_latest(&self, owner: bool) -> i64 {
        milliseconds(if owner { self.glare_latest_owner_ms } else { self.glare_latest_other_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_keeps_its_default_and_what_is_unknown_is_refused() {
        let read = |text: &str| serde_json::from_str::<Settings>(text);
        assert_eq!(read("{}").unwrap(), Settings::default());
        let own = read(r#"{"profile": "ims", "refresh-failures": 9}"#).unwrap();
        assert_eq!(own, Settings { profile: Profile::Ims, refresh_failures: 9, ..Settings::default() });
        for wrong in [r#"{"refresh-failure": 9}"#, r#"{"refresh-failures": -1}"#, r#"{"profile": "other"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let text = serde_json::to_string(&own).unwrap();
        assert_eq!(read(&text).unwrap(), own);
    }

    #[test]
    fn spans_do_not_overflow() {
        let huge = Settings { refresh_late_slack_percent: u64::MAX, clean_up_s: u64::MAX, ..Settings::default() };
        assert_eq!(huge.clean_up(), i64::MAX);
        assert_eq!(huge.refresh_late_slack(u64::MAX), i64::MAX);
        assert_eq!(Settings::default().refresh_late_slack(90), 9 * NANOS_PER_SECOND);
        assert_eq!(Settings::default().refresh_late_slack(20), 5 * NANOS_PER_SECOND);
    }
}
