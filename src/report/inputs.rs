//! The inputs of a report.

use super::model;
use crate::capture::InputInfo;
use crate::sip::to_text;

/// An input as reports show it.
pub(super) fn input(info: &InputInfo) -> model::Input {
    let time = |time: crate::time::Timestamp| time.rfc3339(info.digits).to_string();
    model::Input {
        path: to_text(info.path.as_os_str().as_encoded_bytes()),
        format: info.format.map(|format| format.name()),
        compression: info.compression.map(|compression| compression.name()),
        size_bytes: info.size_bytes,
        frames: info.frames,
        first_time: info.first_time.map(time),
        last_time: info.last_time.map(time),
        link_types: info.link_types.iter().map(|link| link.name().into_owned()).collect(),
        complete: info.complete,
        problem: info.problem.as_ref().map(ToString::to_string),
    }
}
