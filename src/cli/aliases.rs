//! `--aliases`: names for addresses, from a file like /etc/hosts.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

/// Reads the names; the first one of an address counts. What is wrong is said with its line.
pub(super) fn read(path: &Path) -> Result<BTreeMap<IpAddr, String>, String> {
    let text = fs::read_to_string(path).map_err(|problem| format!("{}: {problem}", path.display()))?;
    let mut names = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next() else { continue };
        let known = address.parse::<IpAddr>().ok().zip(words.next());
        let Some((address, name)) = known else {
            return Err(format!(
                "{}:{number}: an address and a name are wanted, not {:?}",
                path.display(),
                line.trim()
            ));
        };
        names.entry(address).or_insert_with(|| name.to_owned());
    }
    Ok(names)
}
