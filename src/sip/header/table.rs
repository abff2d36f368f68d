//! The headers that are known by name: the IANA registry of header fields, and Diversion (RFC 5806), which is not in it.

/// How often a header may stand in a message, and whether its values may be joined by commas (RFC 3261 7.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderKind {
    /// Any number of rows, each with a comma list of values.
    List,
    /// One row with one value, in which a comma has no meaning of its own.
    Single,
    /// Any number of rows with one value each, never split at commas. What is not known to be one of the others is this.
    Rows,
}

/// A row of [`HEADERS`].
#[derive(Clone, Copy, Debug)]
pub struct HeaderRow {
    /// The header.
    pub name: HeaderName,
    /// How the registry spells it.
    pub text: &'static str,
    /// Its compact form, in lower case (RFC 3261 7.3.3).
    pub compact: Option<u8>,
    /// How its values may be combined.
    pub kind: HeaderKind,
}

/// One row per header: variant, spelling, compact form, kind. Sorted by spelling without regard to case.
macro_rules! headers {
    ($($variant:ident = $text:literal, $compact:expr, $kind:ident;)+) => {
        /// A header that is known by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $text, "`.")] $variant,)+
            /// Any other header.
            Other,
        }

        /// Every header that is known by name, in the order of [`HeaderName`].
        pub static HEADERS: &[HeaderRow] = &ROWS;

        pub(super) const ROWS: [HeaderRow; HeaderName::Other as usize] = [
            $(HeaderRow { name: HeaderName::$variant, text: $text, compact: $compact, kind: HeaderKind::$kind },)+
        ];
    };
}

headers! {
    Accept = "Accept", None, List;
    AcceptContact = "Accept-Contact", Some(b'a'), List;
    AcceptEncoding = "Accept-Encoding", None, List;
    AcceptLanguage = "Accept-Language", None, List;
    AcceptResourcePriority = "Accept-Resource-Priority", None, Rows;
    AdditionalIdentity = "Additional-Identity", None, Rows;
    AlertInfo = "Alert-Info", None, List;
    AlertMsgError = "AlertMsg-Error", None, Rows;
    Allow = "Allow", None, List;
    AllowEvents = "Allow-Events", Some(b'u'), List;
    AnswerMode = "Answer-Mode", None, Rows;
    AttestationInfo = "Attestation-Info", None, Rows;
    AuthenticationInfo = "Authentication-Info", None, Single;
    Authorization = "Authorization", None, Rows;
    CallId = "Call-ID", Some(b'i'), Single;
    CallInfo = "Call-Info", None, List;
    CellularNetworkInfo = "Cellular-Network-Info", None, Rows;
    Contact = "Contact", Some(b'm'), List;
    ContentDisposition = "Content-Disposition", None, Single;
    ContentEncoding = "Content-Encoding", Some(b'e'), List;
    ContentId = "Content-ID", None, Rows;
    ContentLanguage = "Content-Language", None, List;
    ContentLength = "Content-Length", Some(b'l'), Single;
    ContentType = "Content-Type", Some(b'c'), Single;
    CSeq = "CSeq", None, Single;
    Date = "Date", None, Single;
    DcInfo = "DC-Info", None, Rows;
    Diversion = "Diversion", None, List;
    Encryption = "Encryption", None, Rows;
    ErrorInfo = "Error-Info", None, List;
    Event = "Event", Some(b'o'), Single;
    Expires = "Expires", None, Single;
    FeatureCaps = "Feature-Caps", None, Rows;
    FlowTimer = "Flow-Timer", None, Single;
    From = "From", Some(b'f'), Single;
    Geolocation = "Geolocation", None, Rows;
    GeolocationError = "Geolocation-Error", None, Rows;
    GeolocationRouting = "Geolocation-Routing", None, Rows;
    Hide = "Hide", None, Rows;
    HistoryInfo = "History-Info", None, List;
    Identity = "Identity", Some(b'y'), Rows;
    IdentityInfo = "Identity-Info", Some(b'n'), Rows;
    InReplyTo = "In-Reply-To", None, List;
    InfoPackage = "Info-Package", None, Rows;
    Join = "Join", None, Single;
    MaxBreadth = "Max-Breadth", None, Rows;
    MaxForwards = "Max-Forwards", None, Single;
    MimeVersion = "MIME-Version", None, Single;
    MinExpires = "Min-Expires", None, Single;
    MinSe = "Min-SE", None, Single;
    Organization = "Organization", None, Single;
    OriginationId = "Origination-Id", None, Rows;
    PAccessNetworkInfo = "P-Access-Network-Info", None, Rows;
    PAnswerState = "P-Answer-State", None, Rows;
    PAssertedIdentity = "P-Asserted-Identity", None, List;
    PAssertedService = "P-Asserted-Service", None, Rows;
    PAssociatedUri = "P-Associated-URI", None, Rows;
    PCalledPartyId = "P-Called-Party-ID", None, Rows;
    PChargeInfo = "P-Charge-Info", None, Rows;
    PChargingFunctionAddresses = "P-Charging-Function-Addresses", None, Rows;
    PChargingVector = "P-Charging-Vector", None, Rows;
    PDcsBillingInfo = "P-DCS-Billing-Info", None, Rows;
    PDcsLaes = "P-DCS-LAES", None, Rows;
    PDcsOsps = "P-DCS-OSPS", None, Rows;
    PDcsRedirect = "P-DCS-Redirect", None, Rows;
    PDcsTracePartyId = "P-DCS-Trace-Party-ID", None, Rows;
    PEarlyMedia = "P-Early-Media", None, Rows;
    PMediaAuthorization = "P-Media-Authorization", None, Rows;
    PPreferredIdentity = "P-Preferred-Identity", None, List;
    PPreferredService = "P-Preferred-Service", None, Rows;
    PPrivateNetworkIndication = "P-Private-Network-Indication", None, Rows;
    PProfileKey = "P-Profile-Key", None, Rows;
    PRefusedUriList = "P-Refused-URI-List", None, Rows;
    PServedUser = "P-Served-User", None, Rows;
    PUserDatabase = "P-User-Database", None, Rows;
    PVisitedNetworkId = "P-Visited-Network-ID", None, Rows;
    Path = "Path", None, List;
    PermissionMissing = "Permission-Missing", None, Rows;
    PolicyContact = "Policy-Contact", None, Rows;
    PolicyId = "Policy-ID", None, Rows;
    Priority = "Priority", None, Single;
    PriorityShare = "Priority-Share", None, Rows;
    PriorityVerstat = "Priority-Verstat", None, Rows;
    PrivAnswerMode = "Priv-Answer-Mode", None, Rows;
    Privacy = "Privacy", None, Single;
    ProxyAuthenticate = "Proxy-Authenticate", None, Rows;
    ProxyAuthorization = "Proxy-Authorization", None, Rows;
    ProxyRequire = "Proxy-Require", None, List;
    RAck = "RAck", None, Single;
    Reason = "Reason", None, List;
    RecordRoute = "Record-Route", None, List;
    RecvInfo = "Recv-Info", None, List;
    ReferEventsAt = "Refer-Events-At", None, Rows;
    ReferSub = "Refer-Sub", None, Single;
    ReferTo = "Refer-To", Some(b'r'), Single;
    ReferredBy = "Referred-By", Some(b'b'), Single;
    RejectContact = "Reject-Contact", Some(b'j'), List;
    RelayedCharge = "Relayed-Charge", None, Rows;
    Replaces = "Replaces", None, Single;
    ReplyTo = "Reply-To", None, Single;
    RequestDisposition = "Request-Disposition", Some(b'd'), List;
    Require = "Require", None, List;
    ResourcePriority = "Resource-Priority", None, List;
    ResourceShare = "Resource-Share", None, Rows;
    ResponseKey = "Response-Key", None, Rows;
    ResponseSource = "Response-Source", None, Rows;
    RestorationInfo = "Restoration-Info", None, Rows;
    RetryAfter = "Retry-After", None, Single;
    Route = "Route", None, List;
    RSeq = "RSeq", None, Single;
    SecurityClient = "Security-Client", None, List;
    SecurityServer = "Security-Server", None, List;
    SecurityVerify = "Security-Verify", None, List;
    Server = "Server", None, Single;
    ServiceInteractInfo = "Service-Interact-Info", None, Rows;
    ServiceRoute = "Service-Route", None, List;
    SessionExpires = "Session-Expires", Some(b'x'), Single;
    SessionId = "Session-ID", None, Single;
    SipEtag = "SIP-ETag", None, Rows;
    SipIfMatch = "SIP-If-Match", None, Rows;
    Subject = "Subject", Some(b's'), Single;
    SubscriptionState = "Subscription-State", None, Single;
    Supported = "Supported", Some(b'k'), List;
    SuppressIfMatch = "Suppress-If-Match", None, Rows;
    TargetDialog = "Target-Dialog", None, Single;
    Timestamp = "Timestamp", None, Single;
    To = "To", Some(b't'), Single;
    TriggerConsent = "Trigger-Consent", None, Rows;
    Unsupported = "Unsupported", None, List;
    UserAgent = "User-Agent", None, Single;
    UserToUser = "User-to-User", None, Rows;
    Via = "Via", Some(b'v'), List;
    Warning = "Warning", None, List;
    WwwAuthenticate = "WWW-Authenticate", None, Rows;
}
