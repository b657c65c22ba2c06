//! The synchronisation of the outputs to a web server with `infra/operate/sync/htaccess-sync`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::cloud::{Cloud, python, root};

const SITES: [&str; 2] = ["again/site", "back/site"];

/// Installs the outputs on a server that has two of the published sites.
pub(crate) fn lays_outputs_in_the_web_root(cloud: &Cloud) {
    let web = cloud.folder.join("web");
    for site in SITES {
        fs::create_dir_all(web.join(site)).unwrap();
    }
    sync(cloud, &[]);
    for site in SITES {
        let published = cloud.read("SiteBucket", &format!("{site}/.htaccess"));
        assert_eq!(Some(text(&web, site)), published);
    }
    let sites = fs::read_dir(&web).unwrap().count();
    assert_eq!(sites, SITES.len(), "it made sites that were not there");
    let inode = |site: &str| {
        fs::metadata(web.join(site).join(".htaccess"))
            .unwrap()
            .ino()
    };
    let before = inode("again/site");
    sync(cloud, &[]);
    assert_eq!(
        inode("again/site"),
        before,
        "what did not change was replaced"
    );
    assert_eq!(fs::read_dir(web.join("again/site")).unwrap().count(), 1);
}

/// Runs after the output of `again/site` was removed from the bucket.
pub(crate) fn removes_only_what_it_is_told_to(cloud: &Cloud) {
    let web = cloud.folder.join("web");
    let is_there = |site: &str| web.join(site).join(".htaccess").exists();
    sync(cloud, &[]);
    assert!(is_there("again/site"), "a site became open");
    sync(cloud, &["--delete"]);
    assert!(!is_there("again/site") && is_there("back/site"));
}

fn sync(cloud: &Cloud, options: &[&str]) {
    let mut command = Command::new(python());
    command.arg(root().join("infra/operate/sync/htaccess-sync"));
    command.args(options).arg(cloud.output("SiteBucket"));
    command.args([cloud.folder.join("staging"), cloud.folder.join("web")]);
    cloud.run(&mut command);
}

fn text(web: &Path, site: &str) -> String {
    fs::read_to_string(web.join(site).join(".htaccess")).unwrap()
}
