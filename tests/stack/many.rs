//! Many CSVs uploaded at once. Every output is compared with that of the command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::cloud::Cloud;

/// Uploads this number of CSVs under a separate prefix. Every output must exist and be right.
pub(crate) fn are_published(cloud: &Cloud, prefix: &str, count: usize) {
    let folder = cloud.folder.join(prefix);
    let (uploads, wanted, got) = (
        folder.join("uploads"),
        folder.join("wanted"),
        folder.join("got"),
    );
    for index in 0..count {
        let (key, csv) = sample(prefix, index);
        let file = uploads.join(key);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, csv).unwrap();
    }
    render(&uploads, &wanted);

    let started = Instant::now();
    let bucket = format!("s3://{}/", cloud.output("UploadBucket"));
    let copy = ["s3", "cp", "--recursive", "--only-show-errors"];
    cloud.aws(&[&copy[..], &[path(&uploads), &bucket]].concat());
    let uploaded = started.elapsed();
    cloud.wait_for_objects("SiteBucket", &format!("{prefix}/"), count);
    println!(
        "{count} CSVs: uploaded in {:.1} s, all outputs there after {:.1} s",
        uploaded.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );

    let site = format!("s3://{}/{prefix}/", cloud.output("SiteBucket"));
    let sync = ["s3", "sync", "--only-show-errors", &site];
    let got_prefix = got.join(prefix);
    cloud.aws(&[&sync[..], &[path(&got_prefix)]].concat());
    let (wanted, got) = (files(&wanted), files(&got));
    assert_eq!(wanted.len(), count);
    assert!(got.keys().eq(wanted.keys()), "other files than wanted");
    for (name, bytes) in &wanted {
        let got = String::from_utf8_lossy(&got[name]);
        assert_eq!(got, String::from_utf8_lossy(bytes), "{}", name.display());
    }
    assert_eq!(cloud.messages("FailureQueue"), 0, "some were tried in vain");
}

/// A different CSV for each number: other addresses, other names (which are encoded in events), and
/// one rejected row.
fn sample(prefix: &str, index: usize) -> (String, String) {
    let key = match index % 4 {
        0 => format!("{prefix}/site-{index}.csv"),
        1 => format!("{prefix}/group {}/a+b {index}.csv", index % 10),
        2 => format!("{prefix}/größe/{index} %41.csv"),
        _ => format!("{prefix}/OLD/{index}.CSV"),
    };
    let (high, low) = (index / 256, index % 256);
    let csv = format!(
        "IP Address,Rule,Comment\n10.{high}.{low}.0/24,Allow,office\n10.{high}.{low}.7,Deny,\n\
         2001:db8:{index:x}::/48,Allow,\n2.2.{index},Allow,\n"
    );
    (key, csv)
}

fn render(from: &Path, to: &Path) {
    let status = Command::new(env!("CARGO_BIN_EXE_htaccess"))
        .args(["render", path(from), "-o", path(to)])
        .output()
        .unwrap()
        .status;
    assert!(status.success(), "htaccess render: {status}");
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
