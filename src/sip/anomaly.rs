//! What is odd about a message that was accepted all the same.

use crate::limits::MAX_ANOMALIES;

/// One row per oddity: documentation, variant, name in the report, whether it spoils correlation.
macro_rules! anomalies {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal, $spoils:literal;)+) => {
        /// A tolerated oddity of a message. It stands beside the message with the offset of its first occurrence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Anomaly {
            $($(#[$doc])+ $variant,)+
        }

        impl Anomaly {
            /// Every oddity there is, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the report.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Whether a message with it must not be used for correlation, since what identifies it is missing,
            /// contradictory or beyond its range.
            pub const fn spoils_correlation(self) -> bool {
                match self { $(Self::$variant => $spoils,)+ }
            }
        }
    };
}

anomalies! {
    /// More than one space, or a tab, between the parts of the start line (RFC 3261 7.1, 7.2).
    ExtraSpaceInStartLine = "extra_space_in_start_line", false;
    /// White space at the end of a request line (RFC 3261 7.1).
    TrailingSpaceInStartLine = "trailing_space_in_start_line", false;
    /// `<` and `>` round the Request-URI (RFC 3261 7.1).
    RequestUriInBrackets = "request_uri_in_brackets", false;
    /// White space inside the Request-URI (RFC 3261 7.1).
    SpaceInRequestUri = "space_in_request_uri", false;
    /// Headers in the Request-URI (RFC 3261 19.1.1 table 1).
    HeadersInRequestUri = "headers_in_request_uri", false;
    /// The Request-URI of a request cannot be parsed.
    MalformedRequestUri = "malformed_request_uri", false;
    /// A SIP version other than 2.0.
    UnsupportedVersion = "unsupported_version", true;
    /// No space behind the status code (RFC 3261 7.2).
    SpaceBehindStatusMissing = "space_behind_status_missing", false;
    /// A status code of three digits outside 100 to 699 (RFC 3261 7.2).
    StatusOutOfRange = "status_out_of_range", true;

    /// A line that ends with LF alone (RFC 3261 7.1).
    BareLineFeed = "bare_line_feed", false;
    /// A line that ends with CR alone, or with more than one CR and LF (RFC 3261 7.1).
    BareCarriageReturn = "bare_carriage_return", false;
    /// A line among the headers that is none: it lacks a colon or its name is no token (RFC 3261 7.3.1). It is skipped.
    MalformedHeaderLine = "malformed_header_line", false;
    /// The blank line behind the headers is missing (RFC 3261 7).
    BlankLineMissing = "blank_line_missing", false;
    /// The capture cut the message inside its head: headers behind the last whole line are not known.
    HeadCut = "head_cut", false;
    /// More headers than are listed of one message; the rest was not read.
    TooManyHeaders = "too_many_headers", false;

    /// No Call-ID (RFC 3261 8.1.1).
    CallIdMissing = "call_id_missing", true;
    /// No From (RFC 3261 8.1.1).
    FromMissing = "from_missing", true;
    /// No To (RFC 3261 8.1.1).
    ToMissing = "to_missing", false;
    /// No CSeq (RFC 3261 8.1.1).
    CseqMissing = "cseq_missing", true;
    /// No Via (RFC 3261 8.1.1).
    ViaMissing = "via_missing", false;
    /// Call-ID twice with different values. The first is used.
    CallIdConflict = "call_id_conflict", true;
    /// From twice with different values. The first is used.
    FromConflict = "from_conflict", true;
    /// To twice with different values. The first is used.
    ToConflict = "to_conflict", true;
    /// CSeq twice with different values. The first is used.
    CseqConflict = "cseq_conflict", true;
    /// A header that may stand once stands more than once (RFC 3261 7.3.1). The first is used.
    HeaderRepeated = "header_repeated", false;

    /// CSeq is not a number and a method (RFC 3261 20.16).
    MalformedCseq = "malformed_cseq", true;
    /// The number of CSeq does not fit into 32 bits (RFC 3261 20.16).
    CseqNumberTooLarge = "cseq_number_too_large", true;
    /// The number of CSeq is not below 2**31 (RFC 3261 8.1.1.5).
    CseqNumberAbove31Bits = "cseq_number_above_31_bits", false;
    /// CSeq names another method than the request line (RFC 3261 8.1.1.5).
    CseqMethodMismatch = "cseq_method_mismatch", true;
    /// From is no address.
    MalformedFrom = "malformed_from", false;
    /// To is no address.
    MalformedTo = "malformed_to", false;
    /// A value of Via cannot be parsed.
    MalformedVia = "malformed_via", false;
    /// A value of Contact cannot be parsed, or `*` stands beside others.
    MalformedContact = "malformed_contact", false;
    /// A branch that is the magic cookie and nothing else (RFC 4475 3.2.1): it identifies no transaction.
    BareBranchCookie = "bare_branch_cookie", false;
    /// A comma list with an empty value.
    EmptyListValue = "empty_list_value", false;
    /// Two semicolons with no parameter between them.
    EmptyParameter = "empty_parameter", false;
    /// A quoted string that does not end within its header.
    UnterminatedQuote = "unterminated_quote", false;
    /// White space between `<` or `>` and the URI (RFC 4475 3.1.2.14).
    SpaceInBrackets = "space_in_brackets", false;
    /// A display name without quotes that is more than tokens (RFC 3261 25.1).
    UnquotedDisplayName = "unquoted_display_name", false;
    /// Text between `>` and the first parameter.
    TextBehindBrackets = "text_behind_brackets", false;
    /// A URI with headers that does not stand in `<` and `>` (RFC 3261 20.10).
    UriHeadersWithoutBrackets = "uri_headers_without_brackets", false;
    /// An IPv6 address without brackets (RFC 5118 4.1).
    Ipv6WithoutBrackets = "ipv6_without_brackets", false;
    /// Three colons in a row in an IPv6 address (RFC 5954 4.1).
    Ipv6ThreeColons = "ipv6_three_colons", false;
    /// A Date that is not in GMT (RFC 3261 20.17).
    DateNotGmt = "date_not_gmt", false;

    /// Content-Length is not a number.
    MalformedContentLength = "malformed_content_length", false;
    /// Content-Length twice with different values.
    ContentLengthConflict = "content_length_conflict", false;
    /// Content-Length says more than the datagram holds (RFC 3261 18.3).
    ContentLengthTooLarge = "content_length_too_large", false;
    /// Content-Length says less than the datagram holds (RFC 3261 18.3). What is beyond is not part of the message.
    TrailingOctets = "trailing_octets", false;
    /// No Content-Length on a stream (RFC 3261 18.3); no body is assumed.
    ContentLengthMissingOnStream = "content_length_missing_stream", false;
    /// The capture holds only a first part of the body.
    BodyIncomplete = "body_incomplete", false;
}

/// The oddities of one message: a bounded list that allocates nothing as long as nothing is odd.
#[derive(Clone, Debug, Default)]
pub(super) struct Anomalies {
    list: Vec<(Anomaly, u32)>,
    /// Oddities that were found but not listed, for want of room or since they were listed already.
    omitted: u32,
    /// Whether one of them, listed or not, spoils correlation.
    spoiled: bool,
    /// Whether one of them, listed or not, is that part of the head is missing.
    head_cut: bool,
}

impl Anomalies {
    /// Notes an oddity; each kind is listed once, with the first offset.
    pub(super) fn push(&mut self, anomaly: Anomaly, offset: usize) {
        self.spoiled |= anomaly.spoils_correlation();
        self.head_cut |= anomaly == Anomaly::HeadCut;
        let full = self.list.len() >= MAX_ANOMALIES;
        if full || self.list.iter().any(|(listed, _)| *listed == anomaly) {
            self.omitted = self.omitted.saturating_add(1);
        } else {
            self.list.push((anomaly, u32::try_from(offset).unwrap_or(u32::MAX)));
        }
    }

    pub(super) fn listed(&self) -> &[(Anomaly, u32)] {
        &self.list
    }

    pub(super) const fn has_head_cut(&self) -> bool {
        self.head_cut
    }

    pub(super) fn omitted(&self) -> u32 {
        self.omitted
    }

    pub(super) fn spoiled(&self) -> bool {
        self.spoiled
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_in_snake_case() {
        let names: BTreeSet<&str> = Anomaly::ALL.iter().map(|anomaly| anomaly.name()).collect();
        assert_eq!(names.len(), Anomaly::ALL.len());
        assert!(
            names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        );
    }

    #[test]
    fn a_full_list_still_knows_that_correlation_is_spoiled() {
        let mut anomalies = Anomalies::default();
        let harmless: Vec<Anomaly> = Anomaly::ALL.iter().copied().filter(|a| !a.spoils_correlation()).collect();
        assert!(harmless.len() > MAX_ANOMALIES);
        for anomaly in &harmless {
            anomalies.push(*anomaly, 7);
        }
        assert_eq!(anomalies.listed().len(), MAX_ANOMALIES);
        assert_eq!(anomalies.omitted() as usize, harmless.len() - MAX_ANOMALIES);
        assert!(!anomalies.spoiled());
        anomalies.push(Anomaly::CseqMissing, usize::MAX);
        assert!(anomalies.spoiled());
    }
}
