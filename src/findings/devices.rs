//! What the settings that remedies speak of are called in well-known products, told by what they call themselves.
//!
//! Each row says where its names are documented. An empty cell means that no setting is documented there, or that none was
//! found; products of which none was found have no row (baresip, Poly, Ribbon).

use crate::correlation::Text;

/// The settings of a family of products.
struct Family {
    /// What User-Agent or Server contains, in lower case.
    marks: &'static [&'static str],
    /// The session interval that it offers.
    interval: Option<&'static str>,
    /// The least session interval that it accepts.
    minimum: Option<&'static str>,
    /// What it does with 3xx answers.
    redirects: Option<&'static str>,
    /// Where that is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "whoever doubts a row looks there"))]
    documented: &'static str,
}

/// The families; of several that fit the first counts.
const FAMILIES: &[Family] = &[
    Family {
        marks: &["asterisk", "fpbx"],
        interval: Some("timers_sess_expires of the endpoint in pjsip.conf (chan_sip: session-expires in sip.conf)"),
        minimum: Some("timers_min_se of the endpoint in pjsip.conf (chan_sip: session-minse in sip.conf)"),
        redirects: Some("redirect_method of the endpoint in pjsip.conf (chan_sip: promiscredir in sip.conf)"),
        documented: "docs.asterisk.org, Module Configuration, res_pjsip; configs/samples/pjsip.conf.sample and sip.conf.sample of asterisk/asterisk",
    },
    Family {
        marks: &["freeswitch"],
        interval: Some("session-timeout of the SIP profile"),
        minimum: Some("minimum-session-expires of the SIP profile"),
        redirects: Some("manual-redirect of the SIP profile"),
        documented: "conf/vanilla/sip_profiles/internal.xml of signalwire/freeswitch",
    },
    Family {
        marks: &["kamailio"],
        interval: None,
        minimum: Some("min_se of the sst module"),
        redirects: Some("get_redirects() of the uac_redirect module"),
        documented: "kamailio.org/docs/modules/stable/modules/sst.html and uac_redirect.html",
    },
    Family {
        marks: &["opensips"],
        interval: Some("sst_interval of the sst module"),
        minimum: Some("min_se of the sst module"),
        redirects: Some("get_redirects() of the uac_redirect module"),
        documented: "opensips.org/docs/modules/3.7.x/sst.html and uac_redirect.html",
    },
    Family {
        marks: &["pjsua", "pjsip", "pjproject"],
        interval: Some("timer_setting.sess_expires of the account (pjsua: --timer-se)"),
        minimum: Some("timer_setting.min_se of the account (pjsua: --timer-min-se)"),
        redirects: None,
        documented: "docs.pjsip.org, Group PJSIP_TIMER, pjsip_timer_setting; pjsip-apps/src/pjsua/pjsua_app_config.c of pjsip/pjproject",
    },
    Family {
        marks: &["cisco-sipgateway"],
        interval: Some("session-expires of \"min-se N session-expires M\" under voice service voip, sip"),
        minimum: Some("min-se under voice service voip, sip"),
        redirects: None,
        documented: "cisco.com, document 213843, Troubleshoot Session Refresh on CUBE; Cisco IOS Voice Command Reference, min-se",
    },
    Family {
        marks: &["audiocodes"],
        interval: Some("SIPSessionExpires (gateway application)"),
        minimum: Some("MinSE (gateway application) or SBCMinSE (SBC application)"),
        redirects: None,
        documented: "User's Manual of Mediant 800B and 1000B Gateway & E-SBC 7.2, Configuration Parameters Reference",
    },
    Family {
        marks: &["acme packet", "oracle esbc", "oracle sbc", "oracle communications session border"],
        interval: Some("session-expires of the session-timer-profile"),
        minimum: Some("min-se of the session-timer-profile"),
        redirects: None,
        documented: "docs.oracle.com, E95618-01, ACLI Reference, session-timer-profile",
    },
    Family {
        marks: &["yealink"],
        interval: Some("account.X.session_timer.expires"),
        minimum: None,
        redirects: None,
        documented: "Yealink T2x and T4x Administrator Guide, Session Timer",
    },
    Family {
        marks: &["grandstream"],
        interval: Some("Session Expiration in the SIP settings of the account"),
        minimum: Some("Min-SE in the SIP settings of the account"),
        redirects: None,
        documented: "Grandstream GXP21xx and GXW400x User Manual, SIP session timer",
    },
    Family {
        marks: &["linphone"],
        interval: Some("linphone_core_set_session_expires_value()"),
        minimum: Some("linphone_core_set_session_expires_min_value()"),
        redirects: None,
        documented: "include/linphone/core.h of BelledonneCommunications/liblinphone",
    },
];

/// A setting that a remedy speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// The session interval that is offered.
    Interval,
    /// The least session interval that is accepted.
    Minimum,
    /// What is done with 3xx answers.
    Redirects,
}

/// What the setting is called there, as a sentence behind a remedy; empty if that is not known.
pub(super) fn called(agent: Option<&Text>, setting: Setting) -> String {
    let Some(agent) = agent else { return String::new() };
    let agent = agent.to_ascii_lowercase();
    let has = |mark: &str| agent.windows(mark.len()).any(|window| window == mark.as_bytes());
    let family = FAMILIES.iter().find(|family| family.marks.iter().any(|mark| has(mark)));
    let name = family.and_then(|family| match setting {
        Setting::Interval => family.interval,
        Setting::Minimum => family.minimum,
        Setting::Redirects => family.redirects,
    });
    let what = match setting {
        Setting::Interval => "session interval",
        Setting::Minimum => "minimum interval",
        Setting::Redirects => "redirect",
    };
    name.map(|name| format!(" The {what} setting there: {name}.")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(agent: &str, setting: Setting) -> String {
        called(Some(&agent.as_bytes().into()), setting)
    }

    #[test]
    fn rows_say_where_they_are_from_and_can_be_found() {
        for family in FAMILIES {
            assert!(family.documented.len() > 20 && !family.marks.is_empty(), "{:?}", family.marks);
            assert!(family.interval.or(family.minimum).or(family.redirects).is_some(), "{:?}", family.marks);
            assert!(family.marks.iter().all(|mark| **mark == mark.to_ascii_lowercase()), "{:?}", family.marks);
        }
    }

    #[test]
    fn products_are_told_by_what_they_call_themselves() {
        let known = [
            ("Asterisk PBX 18.9.0", Setting::Minimum, "timers_min_se"),
            ("FPBX-16.0.40(18.9)", Setting::Interval, "timers_sess_expires"),
            ("FreeSWITCH-mod_sofia/1.10.7", Setting::Minimum, "minimum-session-expires"),
            ("kamailio (5.6.3 (x86_64/linux))", Setting::Minimum, "min_se"),
            ("OpenSIPS (3.2.5 (x86_64/linux))", Setting::Redirects, "get_redirects"),
            ("PJSUA v2.10 Linux-5.4", Setting::Interval, "sess_expires"),
            ("Cisco-SIPGateway/IOS-15.4.3.M1", Setting::Minimum, "min-se"),
            ("Audiocodes-Sip-Gateway-Mediant 1000", Setting::Interval, "SIPSessionExpires"),
            ("Yealink SIP-T46S 66.84.0.15", Setting::Interval, "session_timer.expires"),
            ("Grandstream GXP2170 1.0.9.26", Setting::Minimum, "Min-SE"),
            ("Linphone/3.6.1 (eXosip2/4.1.0)", Setting::Interval, "session_expires_value"),
        ];
        for (agent, setting, name) in known {
            assert!(of(agent, setting).contains(name), "{agent}");
        }
        assert_eq!(of("kamailio (5.6.3)", Setting::Interval), "");
        assert_eq!(
            of("LabPhone/1.0", Setting::Interval) + &of("", Setting::Minimum) + &called(None, Setting::Redirects),
            ""
        );
    }
}
