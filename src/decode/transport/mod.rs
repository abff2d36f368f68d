//! Transports: a file each.

pub(super) mod tcp;
pub(super) mod udp;
