//! The HTML report in a real browser: what it shows, that it does what it is asked, and that nothing in a capture becomes more
//! than text in it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::captures::lab;
use crate::support::program::analyze;
use crate::support::story::list;
use crate::traffic::calls::generator::generate;
use crate::traffic::calls::options::{Amount, Options, parse_mix};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MILLISECOND, Wire};
use crate::traffic::pcap::{Layout, PcapWriter};

/// Widths of a telephone, a tablet and a screen.
const WIDTHS: [(u32, u32); 3] = [(390, 844), (900, 1100), (1440, 1000)];

fn page(folder: &Path, capture: &Path) -> std::path::PathBuf {
    let page = folder.join("report.html");
    analyze(capture, &["--quiet", "-o", page.to_str().expect("a path")]).exits(0);
    page
}

/// Fails if the page complained, or asked for anything but itself.
fn assert_quiet(browser: &Browser, page: &Path) {
    assert_eq!(browser.complaints(), Vec::<&Value>::new(), "{}", page.display());
    for address in browser.requests() {
        assert!(address.starts_with(&format!("file://{}", page.display())), "asked for {address}");
    }
}

fn count(browser: &mut Browser, selector: &str) -> u64 {
    let selector = selector.replace('\'', "\\'");
    browser.eval(&format!("document.querySelectorAll('{selector}').length")).as_u64().expect("a number")
}

/// Calls that try to be more than text, wherever a report shows what they say.
fn hostile(folder: &Path) -> std::path::PathBuf {
    let evil = [
        "<script>window.hurt=1</script>",
        "\"><img src=x onerror=window.hurt=1>",
        "\u{202e}moc.live//:sptth\u{2066}",
        "'-->]]></style></title></textarea><svg onload=window.hurt=1>",
        "${window.hurt=1}`\\u003cscript\\u003e",
    ];
    let path = folder.join("<b>hostile&amp;.pcap");
    let mut writer = PcapWriter::new(Vec::new(), Layout::usual(Link::Ethernet)).expect("memory");
    let mut wire = Wire::new(Link::Ethernet);
    let (phone, server) =
        ("192.0.2.10:5060".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    let mut time = EPOCH;
    for (index, evil) in evil.iter().enumerate() {
        let common = |agent: &str| {
            format!(
                "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK{index}\r\nFrom: \"{evil}\" <sip:a{evil}@example.com>;tag=f{index}\r\n\
                 Call-ID: {index}{evil}@x\r\nCSeq: 1 INVITE\r\n{agent}: {evil}\r\n"
            )
        };
        let uri = format!("sip:{}@example.com", evil.replace(' ', "%20"));
        let request = format!(
            "INVITE {uri} SIP/2.0\r\n{}To: <{uri}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            common("User-Agent")
        );
        let answer = format!(
            "SIP/2.0 301 {evil}\r\n{}To: <{uri}>;tag=t\r\nContact: <data:text/html,{evil}>, \"{evil}\" <javascript:window.hurt=1>\r\nContent-Length: 0\r\n\r\n",
            common("Server")
        );
        for (from, to, text) in [(phone, server, request), (server, phone, answer)] {
            let packet = wire.udp(time, from, to, text.as_bytes());
            writer.record(packet.time, packet.wire_len, &packet.bytes).expect("memory");
            time += 20 * MILLISECOND;
        }
    }
    fs::write(&path, writer.finish().expect("memory")).expect("a file");
    path
}

#[test]
fn the_page_shows_what_the_report_says() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = lab("messy-udp");
    let (page, report) = (page(folder.path(), &capture), analyze(&capture, &[]).exits(0).report());
    browser.look(1440, 1000, "light");
    browser.open(&page, "");
    assert_quiet(&browser, &page);
    for (section, name) in [("findings", "findings"), ("redirects", "redirects"), ("negotiations", "negotiations")] {
        let rows = count(&mut browser, &format!("#{section} tbody tr"));
        assert_eq!(rows, list(&report, name).count() as u64, "{section}");
    }
    for id in list(&report, "findings").chain(list(&report, "redirects")).filter_map(|item| item["id"].as_str()) {
        assert_eq!(count(&mut browser, &format!("[id='{id}']")), 1, "{id} can be linked to");
    }
    let mut calls: Vec<&str> = list(&report, "dialogs").filter_map(|dialog| dialog["call_id"].as_str()).collect();
    calls.dedup();
    assert_eq!(count(&mut browser, "details.call svg.ladder"), calls.len() as u64, "a ladder for each call");
    let links = "[...document.querySelectorAll('a[href]')].filter(a => !document.getElementById(a.getAttribute('href').slice(1))).map(a => a.getAttribute('href'))";
    assert_eq!(browser.eval(links), Value::Array(Vec::new()), "every link leads somewhere");
    let text = browser.eval("document.body.innerText").to_string();
    for wanted in ["kamailio (5.6.3", "sip:newdesk@127.0.0.1:5070", "What was not looked at"] {
        assert!(text.contains(wanted), "{wanted}");
    }
    // What a screen reader says: each list has a name, and the messages of a ladder can be reached.
    let nameless = "[...document.querySelectorAll('[data-list] table, [role=region], [role=group], svg:not([aria-hidden])')]\
        .filter(e => !e.getAttribute('aria-label') && !document.getElementById(e.getAttribute('aria-labelledby'))).map(e => e.outerHTML.slice(0, 80))";
    assert_eq!(browser.eval(nameless), Value::Array(Vec::new()));
    assert_eq!(count(&mut browser, "svg[role=img] a"), 0, "a picture hides the links within it");
}

#[test]
fn the_page_can_be_sorted_filtered_searched_and_linked_to() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = page(folder.path(), &lab("messy-udp"));
    browser.look(1440, 1000, "light");
    browser.open(&page, "");
    let shown = "[...document.querySelectorAll('#redirects tbody tr:not([hidden])')]";
    let all = browser.eval(&format!("{shown}.length")).as_u64();
    browser.eval("document.querySelector('#redirects [data-sort=n]').click()");
    let statuses = browser.eval(&format!("{shown}.map(row => row.dataset.status)"));
    let mut sorted = statuses.as_array().expect("a list").clone();
    sorted.sort_by_key(|status| status.as_str().map(str::to_owned));
    assert_eq!(statuses, Value::Array(sorted.clone()), "by status, upwards");
    browser.eval("document.querySelector('#redirects [data-sort=n]').click()");
    sorted.reverse();
    assert_eq!(browser.eval(&format!("{shown}.map(row => row.dataset.status)")), Value::Array(sorted), "and downwards");
    browser.eval("{const s=document.querySelector('#redirects [data-facet=outcome]');s.value='looped';s.dispatchEvent(new Event('change'))}");
    assert_eq!(browser.eval(&format!("{shown}.map(row => row.dataset.outcome)")), serde_json::json!(["looped"]));
    browser.eval("{const s=document.querySelector('#redirects [data-facet=outcome]');s.value='';s.dispatchEvent(new Event('change'))}");
    assert_eq!(browser.eval(&format!("{shown}.length")).as_u64(), all, "all again");

    browser.eval("{const s=document.querySelector('#findings [data-facet=rule]');s.value='redirect-loop';s.dispatchEvent(new Event('change'))}");
    let rules = browser
        .eval("[...document.querySelectorAll('#findings tbody tr:not([hidden]) .rule')].map(rule => rule.textContent)");
    assert!(
        rules.as_array().is_some_and(|rules| !rules.is_empty() && rules.iter().all(|rule| rule == "redirect-loop")),
        "{rules}"
    );

    browser.open(&page, "#q=sip%3Anocontact%40");
    let found = browser.eval(&format!("{shown}.map(row => row.dataset.outcome)"));
    assert_eq!(found, serde_json::json!(["no_target"]), "a search is part of the address");
    assert_eq!(browser.eval("document.getElementById('q').value"), "sip:nocontact@");

    let message = browser.eval("document.querySelectorAll('.message')[3].id");
    let message = message.as_str().expect("an id");
    browser.open(&page, &format!("#{message}"));
    assert_eq!(browser.eval(&format!("document.getElementById('{message}').open")), true, "a message can be linked to");
    assert_eq!(browser.eval(&format!("document.getElementById('{message}').closest('.call').open")), true);
    let next = browser.eval("document.querySelectorAll('.call[open] svg a')[1].getAttribute('href')");
    browser.eval("document.querySelectorAll('.call[open] svg a')[1].dispatchEvent(new MouseEvent('click',{bubbles:true,cancelable:true}))");
    browser.eval("new Promise(done => setTimeout(done, 50))");
    let open =
        browser.eval("[...document.querySelectorAll('.call[open] .message[open]')].map(message => '#' + message.id)");
    assert_eq!(
        open,
        serde_json::json!([next]),
        "a message of the ladder opens when it is chosen, and the other closes"
    );
    assert_quiet(&browser, &page);
}

#[test]
fn hostile_text_stays_text() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = page(folder.path(), &hostile(folder.path()));
    let text = fs::read_to_string(&page).expect("the page");
    for deceiving in ['\u{202e}', '\u{2066}'] {
        assert!(!text.contains(deceiving), "{deceiving:?}");
    }
    browser.look(1440, 1000, "light");
    browser.open(&page, "");
    browser.eval("document.querySelectorAll('details').forEach(one => one.open = true)");
    browser.eval("new Promise(done => setTimeout(done, 100))");
    assert_eq!(browser.eval("window.hurt === undefined"), true, "nothing of it ran");
    assert_eq!(browser.eval("document.scripts.length"), 1);
    assert_eq!(count(&mut browser, "img,iframe,object,embed,link,base,form,b > *"), 0, "no element came of it");
    assert_eq!(count(&mut browser, "a:not([href^='#'])"), 0, "no link leads out");
    assert_eq!(
        browser.eval(
            "[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))"
        ),
        false
    );
    let shown = browser.eval("document.body.innerText").to_string();
    for wanted in
        ["<script>window.hurt=1</script>", "data:text/html,", "javascript:window.hurt=1", "onerror=window.hurt=1"]
    {
        assert!(shown.contains(wanted), "{wanted} is shown as it is");
    }
    assert_quiet(&browser, &page);
}

#[test]
fn ten_thousand_redirects_stay_quick() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mix = parse_mix("r301=1").expect("a mix");
    let options = Options {
        amount: Amount::Calls(11_000),
        calls_per_second: 500,
        seed: 5,
        register_share: 0.0,
        tcp_share: 0.0,
        hops: vec![1],
        mix,
        ..Options::default()
    };
    let (_, capture) = generate(options, Vec::new()).expect("memory");
    let path = folder.path().join("many.pcap");
    fs::write(&path, capture).expect("a file");
    let page = page(folder.path(), &path);
    let size = fs::metadata(&page).expect("the page").len();
    assert!(size < 80_000_000, "{size} bytes");
    browser.look(1440, 1000, "light");
    browser.open(&page, "");
    let loaded = browser.eval("performance.getEntriesByType('navigation')[0].loadEventEnd");
    assert!(loaded.as_f64().is_some_and(|loaded| loaded < 30_000.0), "loading took {loaded} ms");
    assert_eq!(count(&mut browser, "#redirects tbody tr"), 10_000, "bounded");
    assert_eq!(count(&mut browser, "details.call"), 2_000, "bounded");
    let said = browser.eval("[...document.querySelectorAll('.cut')].map(cut => cut.textContent).join()").to_string();
    assert!(said.contains("further rows are not on this page") && said.contains("further calls are not"), "{said}");
    for (what, action) in [
        ("sorting", "document.querySelectorAll('#redirects [data-sort]')[2].click()"),
        (
            "filtering",
            "{const s=document.querySelector('#redirects [data-facet=outcome]');s.value='followed';s.dispatchEvent(new Event('change'))}",
        ),
    ] {
        let took = browser.eval(&format!(
            "{{const start=performance.now();{action};document.body.offsetHeight;performance.now()-start}}"
        ));
        // Machines of tests are slow, and busy with other tests.
        assert!(took.as_f64().is_some_and(|took| took < 5_000.0), "{what} took {took} ms");
    }
    assert_quiet(&browser, &page);
}

#[test]
fn the_page_fits_every_width_in_both_schemes() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = page(folder.path(), &lab("messy-udp"));
    let call = {
        browser.open(&page, "");
        browser.eval("document.querySelectorAll('.call')[1].id")
    };
    let call = call.as_str().expect("an id").to_owned();
    for (width, height) in WIDTHS {
        for scheme in ["light", "dark"] {
            browser.look(width, height, scheme);
            browser.open(&page, "");
            browser.picture(&format!("{width}-{scheme}-top"), width, height, scheme);
            assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth"), true, "{width} {scheme}");
            browser.open(&page, "#redirects");
            browser.eval("new Promise(done => setTimeout(done, 600))");
            browser.picture(&format!("{width}-{scheme}-redirects"), width, height, scheme);
            browser.open(&page, &format!("#{call}-3"));
            browser.eval("new Promise(done => setTimeout(done, 600))");
            browser.picture(&format!("{width}-{scheme}-call"), width, height, scheme);
            assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth"), true, "{width} {scheme}");
            // On a telephone rows are cards: nothing stands outside, and each value says what it is.
            let outside = "[...document.querySelectorAll('.wide:has(table)')].filter(wide => wide.scrollWidth > wide.clientWidth).length";
            let unnamed = "[...document.querySelectorAll('td')].filter(cell => !cell.dataset.label).length";
            assert!(width > WIDTHS[0].0 || browser.eval(outside) == 0, "{width} {scheme}");
            assert_eq!(browser.eval(unnamed), 0, "{width} {scheme}");
            let background = browser.eval("getComputedStyle(document.body).backgroundColor").to_string();
            assert_eq!(background.contains("246"), scheme == "light", "{scheme}: {background}");
        }
    }
    assert_quiet(&browser, &page);
}
