//! `explain` for rejected rows, networks and folders.

use crate::cli::Folder;

const CSV: &str = "IP,Rule,Comment\n10.0.0.0/8,Allow,office\n10.0.0.7,Deny,scanner\n172.16.0.5/24,Allow,branch\n\
                   192.0.2.9,Alow,guest\nvpn.example.com,Allow,remote\n";

#[test]
fn only_the_rejected_rows_about_the_address_are_shown() {
    let folder = Folder::new().with("a.csv", CSV);
    let note = "note: 1 rejected row has an address that cannot be read and could be any address: htaccess \
        check a.csv shows it\n --> a.csv\n\n";
    folder
        .run(&["explain", "a.csv", "10.0.0.1"])
        .expect(0, note);
    let ran = folder.run(&["explain", "a.csv", "172.16.0.9", "192.0.2.9"]);
    assert_eq!(
        ran.stdout,
        "172.16.0.9 is kept out: no row allows it, and the default is deny\n  \
           line 4 contains it, but was rejected: 172.16.0.5/24 has host bits set\n\
         192.0.2.9 is kept out: no row allows it, and the default is deny\n  \
           line 5 contains it, but was rejected: \"Alow\" is not a rule\n"
    );
    let rejected = "\
rejected[host-bits-set]: 172.16.0.5/24 has host bits set
 --> a.csv:4:1
  |
4 | 172.16.0.5/24,Allow,branch
  | ^^^^^^^^^^^^^
  = help: write 172.16.0.0/24 for the network or 172.16.0.5 for the host

rejected[unknown-rule]: \"Alow\" is not a rule
 --> a.csv:5:11
  |
5 | 192.0.2.9,Alow,guest
  |           ^^^^
  = help: write Allow

";
    ran.expect(0, &format!("{rejected}{note}"));
    let json = folder
        .run(&["explain", "a.csv", "172.16.0.9", "10.0.0.1", "--json"])
        .json();
    assert_eq!(json[0]["rejected_lines"], serde_json::json!([4]));
    assert_eq!(json[1]["rejected_lines"], serde_json::json!([]));
}

#[test]
fn a_network_gets_in_as_a_whole_partly_or_not_at_all() {
    let folder = Folder::new().with("a.csv", CSV);
    let networks = [
        "10.0.0.0/24",
        "10.0.1.0/24",
        "9.255.255.0-10.0.0.255",
        "2001:db8::/32",
    ];
    let ran = folder.run(&[&["explain", "a.csv"], &networks[..]].concat());
    assert_eq!(
        ran.stdout,
        "10.0.0.0/24 gets in partly, 255 of 256 addresses: line 3 and line 2 decide\n  \
           line 3: 10.0.0.7,Deny scanner\n  \
           line 2: 10.0.0.0/8,Allow office\n\
         10.0.1.0/24 gets in as a whole: line 2 decides\n  \
           line 2: 10.0.0.0/8,Allow office\n\
         9.255.255.0-10.0.0.255 gets in partly, 255 of 512 addresses: line 3, line 2 and for the rest the \
         default (deny) decide\n  \
           line 3: 10.0.0.7,Deny scanner\n  \
           line 2: 10.0.0.0/8,Allow office\n\
         2001:db8::/32 is kept out as a whole: the default (deny) decides\n"
    );
    let json = folder
        .run(&["explain", "a.csv", "10.0.0.0/24", "10.0.0.1", "--json"])
        .json();
    assert!(json[0]["permitted"].is_null(), "{json}");
    assert_eq!(json[0]["addresses"], "256");
    assert_eq!(json[0]["permitted_addresses"], "255");
    assert_eq!(
        (&json[1]["address"], &json[1]["permitted"]),
        (&"10.0.0.1".into(), &true.into())
    );
    assert!(json[1].get("addresses").is_none());
    folder
        .run(&["explain", "a.csv", "10.0.0.5/24"])
        .expect_failure("10.0.0.5/24 has host bits set");
}

#[test]
fn a_folder_is_explained_site_by_site() {
    let folder = Folder::new()
        .with("sites/a.csv", "IP,Rule\n@office,Allow\n")
        .with("sites/b/c.csv", "IP,Rule\nall,Allow\n10.0.0.7,Deny\n")
        .with("sites/d.csv", "a,b\n")
        .with(
            "sites/e.csv",
            "IP,Rule\n192.0.2.1,Allow\n10.0.0.9/24,Allow\n",
        )
        .with("sites/lists/office.csv", "IP,Rule\n10.0.0.0/24,Allow\n");
    let ran = folder.run(&["explain", "sites", "10.0.0.7", "10.0.0.0/24"]);
    assert_eq!(
        ran.stdout,
        "sites/a.csv: 10.0.0.7 gets in: line 2 allows it: @office (sites/lists/office.csv, line 2)\n\
         sites/b/c.csv: 10.0.0.7 is kept out: line 3 denies it\n\
         sites/d.csv: the file is refused (missing-column), so the site keeps its previous rules\n\
         sites/e.csv: 10.0.0.7 is kept out: no row allows it, and the default is deny\n\
         10.0.0.7 gets in at 1 of 4 sites, is kept out at 2, 1 refused\n\
         sites/a.csv: 10.0.0.0/24 gets in as a whole: line 2 decides\n\
         sites/b/c.csv: 10.0.0.0/24 gets in partly, 255 of 256 addresses: line 3 and for the rest line 2 decide\n\
         sites/d.csv: the file is refused (missing-column), so the site keeps its previous rules\n\
         sites/e.csv: 10.0.0.0/24 is kept out as a whole: the default (deny) decides\n\
         10.0.0.0/24 gets in at 1 of 4 sites, partly at 1, is kept out at 1, 1 refused\n"
    );
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.contains("rejected[host-bits-set]"),
        "{}",
        ran.stderr
    );
    let json = folder
        .run(&["explain", "sites/*.csv", "10.0.0.7", "--json"])
        .json();
    let told: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|site| {
            (
                site["file"].as_str().unwrap(),
                site["status"].as_str().unwrap(),
                site["permitted"].as_bool(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("sites/a.csv", "checked", Some(true)),
            ("sites/d.csv", "refused", None),
            ("sites/e.csv", "checked", Some(false)),
        ]
    );
}
