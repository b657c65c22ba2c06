//! Many CSVs that are uploaded at once. Every output is compared with the output of the command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::cloud::Cloud;

/// The key of the list that some of the CSVs use.
pub(crate) const LIST: &str = "lists/office.csv";

/// A group of CSVs with a separate prefix. The CSVs are also in a folder on disk.
#[derive(Clone, Copy)]
pub(crate) struct Many {
    pub(crate) prefix: &'static str,
    pub(crate) count: usize,
    /// Every `list_every`-th CSV uses the list. `None` if no CSV uses it.
    pub(crate) list_every: Option<usize>,
}

impl Many {
    /// Uploads all CSVs, and checks that every output exists and is correct.
    pub(crate) fn are_published(self, cloud: &Cloud) {
        let folder = self.folder(cloud);
        for index in 0..self.count {
            write(&folder.join(self.key(index)), &self.csv(index));
        }
        let started = Instant::now();
        copy(cloud, &folder.join(self.prefix), self.prefix);
        let uploaded = started.elapsed();
        cloud.wait_for_objects("SiteBucket", &format!("{}/", self.prefix), self.count);
        println!(
            "{} CSVs: uploaded in {:.1} s, all outputs there after {:.1} s",
            self.count,
            uploaded.as_secs_f64(),
            started.elapsed().as_secs_f64()
        );
        let wrong = self.differences(cloud, &self.wanted(cloud));
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(cloud.messages("FailureQueue"), 0, "some were tried in vain");
    }

    /// Uploads a version of the list, and writes it to the folder on disk.
    pub(crate) fn upload_list(self, cloud: &Cloud, csv: &str) {
        write(&self.folder(cloud).join(LIST), csv);
        cloud.upload(LIST, csv);
    }

    /// Uploads these CSVs again, all at once, with one more rule in each.
    pub(crate) fn upload_again(self, cloud: &Cloud, indices: impl Iterator<Item = usize>) {
        let again = cloud.folder.join("again");
        for index in indices {
            let csv = self.csv(index) + "192.0.2.250,Allow,again\n";
            write(&self.folder(cloud).join(self.key(index)), &csv);
            write(&again.join(self.key(index)), &csv);
        }
        copy(cloud, &again.join(self.prefix), self.prefix);
    }

    /// Renders all CSVs on disk with the command line. Returns the outputs by their paths, which
    /// start with the prefix.
    pub(crate) fn wanted(self, cloud: &Cloud) -> BTreeMap<PathBuf, String> {
        let to = cloud.folder.join(self.prefix).join("wanted");
        let status = Command::new(env!("CARGO_BIN_EXE_htaccess"))
            .args(["render", path(&self.folder(cloud)), "-o", path(&to)])
            .output()
            .unwrap()
            .status;
        assert!(status.success(), "htaccess render: {status}");
        let wanted = files(&to);
        assert_eq!(wanted.len(), self.count);
        wanted
    }

    /// Compares the outputs in the cloud with the expected ones. Returns the paths of missing,
    /// wrong and unexpected outputs.
    pub(crate) fn differences(
        self,
        cloud: &Cloud,
        wanted: &BTreeMap<PathBuf, String>,
    ) -> Vec<PathBuf> {
        let got = cloud.folder.join(self.prefix).join("got");
        let site = format!("s3://{}/{}/", cloud.output("SiteBucket"), self.prefix);
        let sync = ["s3", "sync", "--delete", "--exact-timestamps"];
        let to = got.join(self.prefix);
        let places = ["--only-show-errors", &site, path(&to)];
        cloud.aws(&[&sync[..], &places[..]].concat());
        let got = files(&got);
        let names = wanted.keys().chain(got.keys());
        let mut wrong: Vec<PathBuf> = names
            .filter(|name| wanted.get(*name) != got.get(*name))
            .cloned()
            .collect();
        wrong.sort();
        wrong.dedup();
        wrong
    }

    pub(crate) fn names_list(self, index: usize) -> bool {
        self.list_every
            .is_some_and(|every| index.is_multiple_of(every))
    }

    /// Returns the key of a CSV. The keys have different forms, with characters that are encoded in events.
    pub(crate) fn key(self, index: usize) -> String {
        let prefix = self.prefix;
        match index % 4 {
            0 => format!("{prefix}/site-{index}.csv"),
            1 => format!("{prefix}/group {}/a+b {index}.csv", index % 10),
            2 => format!("{prefix}/größe/{index} %41.csv"),
            _ => format!("{prefix}/OLD/{index}.CSV"),
        }
    }

    /// Returns the key of a CSV's output.
    pub(crate) fn output(self, index: usize) -> String {
        let key = self.key(index);
        format!("{}/.htaccess", &key[..key.len() - ".csv".len()])
    }

    /// Returns a CSV with different addresses for each number, and one row that is rejected.
    fn csv(self, index: usize) -> String {
        let (high, low) = (index / 256, index % 256);
        let list = if self.names_list(index) {
            "@office,Allow,\n"
        } else {
            ""
        };
        format!(
            "IP Address,Rule,Comment\n10.{high}.{low}.0/24,Allow,office\n10.{high}.{low}.7,Deny,\n\
             2001:db8:{index:x}::/48,Allow,\n2.2.{index},Allow,\n{list}"
        )
    }

    fn folder(self, cloud: &Cloud) -> PathBuf {
        cloud.folder.join(self.prefix).join("uploads")
    }
}

fn copy(cloud: &Cloud, folder: &Path, prefix: &str) {
    let uploads = format!("s3://{}/{prefix}/", cloud.output("UploadBucket"));
    let copy = ["s3", "cp", "--recursive", "--only-show-errors"];
    cloud.aws(&[&copy[..], &[path(folder), &uploads]].concat());
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
