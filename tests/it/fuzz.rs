//! The fuzz targets, over their seeds and over what once broke them.

use std::fs;

use crate::fuzz_bodies::BODIES;
use crate::support::captures::{files, project};

#[test]
fn seeds_are_survived_and_every_target_has_some() {
    for (name, body) in BODIES {
        let seeds = files(&project().join("fuzz/seeds").join(name));
        assert!(seeds.len() > 1, "{name}: {} seeds", seeds.len());
        for seed in seeds {
            body(&fs::read(&seed).expect("a seed"));
        }
        assert!(project().join("fuzz/fuzz_targets").join(name).with_extension("rs").exists(), "{name}: no target");
    }
}

#[test]
fn seeds_cut_anywhere_are_survived() {
    for (name, body) in
        BODIES.iter().filter(|(name, _)| !matches!(*name, "file" | "differential" | "segments" | "fragments"))
    {
        for seed in files(&project().join("fuzz/seeds").join(name)) {
            let bytes = fs::read(&seed).expect("a seed");
            (0..bytes.len()).for_each(|length| body(&bytes[..length]));
        }
    }
}
