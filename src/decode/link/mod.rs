//! Link types: a row and a file each.

mod ethernet;
mod loopback;
mod raw;
mod sll;
mod sll2;

use super::Outcome;
use super::layer::Layer;
use crate::net::LinkType;

/// A link type that is understood.
pub struct Link {
    /// Its LINKTYPE number.
    pub link: LinkType,
    /// Undoes the link header.
    pub(super) decode: for<'a> fn(Layer<'a>) -> Outcome<'a>,
}

/// The link types that are understood, by number.
pub static LINKS: &[Link] = &[
    Link { link: LinkType::NULL, decode: loopback::decode },
    Link { link: LinkType::ETHERNET, decode: ethernet::decode },
    Link { link: LinkType::RAW_12, decode: raw::decode },
    Link { link: LinkType::RAW_14, decode: raw::decode },
    Link { link: LinkType::RAW, decode: raw::decode },
    Link { link: LinkType::LOOP, decode: loopback::decode },
    Link { link: LinkType::LINUX_SLL, decode: sll::decode },
    Link { link: LinkType::IPV4, decode: super::ip::v4::decode },
    Link { link: LinkType::IPV6, decode: super::ip::v6::decode },
    Link { link: LinkType::LINUX_SLL2, decode: sll2::decode },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_sorted_unique_and_named() {
        assert!(LINKS.is_sorted_by(|a, b| a.link < b.link));
        for row in LINKS {
            assert!(row.link.known_name().is_some(), "{:?} has no name", row.link);
        }
    }
}
