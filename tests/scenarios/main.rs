//! Whole captures with a known content: what the report says of calls as networks really make them.

#[path = "../../benches/traffic/mod.rs"]
pub mod traffic;

#[cfg(test)]
#[path = "../it/support/excerpt.rs"]
mod excerpt;
#[cfg(test)]
mod filters;
#[cfg(test)]
#[path = "../it/support/followed.rs"]
mod followed;
#[cfg(test)]
mod ladder;
#[cfg(test)]
mod negotiations;
#[cfg(test)]
mod redirects;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod size;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod tape;
