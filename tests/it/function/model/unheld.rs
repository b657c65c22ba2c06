//! Stores that make the code release held changes by mistake, so that tests can prove
//! that the checks detect this mistake.

use std::cell::RefCell;

use htaccess_generator::function::Error;
use htaccess_generator::function::store::{
    Fetched, Head, ObjectName, Precondition, Put, PutResult, Store,
};

use super::held::HELD;
use super::invocation::{Code, OnePiece, Port};
use super::protocols::{Task, output_name};
use crate::function::memory_store::name;

/// The mistake that a store makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// All outputs look the same to the code, but the conditions of its writes are correct.
    NoIdentity,
    /// Any approval counts for the change that would be held.
    AnyApproval,
    /// After the report on a held change, the output looks unchanged.
    NoLastLook,
}

pub(crate) fn no_identity(port: Port, task: Task) -> Code {
    start(port, task, Mistake::NoIdentity)
}

pub(crate) fn any_approval(port: Port, task: Task) -> Code {
    start(port, task, Mistake::AnyApproval)
}

pub(crate) fn no_last_look(port: Port, task: Task) -> Code {
    start(port, task, Mistake::NoLastLook)
}

fn start(port: Port, task: Task, mistake: Mistake) -> Code {
    Box::pin(async move {
        let store = Unheld {
            port: port.clone(),
            mistake,
            output: RefCell::default(),
            code: RefCell::default(),
            has_reported: RefCell::default(),
        };
        task.publish(&store, &port).await
    })
}

struct Unheld {
    port: Port,
    mistake: Mistake,
    /// The output at the last HEAD.
    output: RefCell<Option<Head>>,
    /// The approval code of the change that would have been held.
    code: RefCell<Option<Vec<u8>>>,
    has_reported: RefCell<bool>,
}

impl Store for Unheld {
    type Body = OnePiece;

    async fn head(&self, asked: &ObjectName) -> Result<Option<Head>, Error> {
        if *asked != output_name() {
            return self.port.head(asked).await;
        }
        if self.mistake == Mistake::NoLastLook && self.has_reported.take() {
            return Ok(self.output.borrow().clone());
        }
        let found = self.port.head(asked).await?;
        self.output.replace(found.clone());
        Ok(found.map(|head| match self.mistake {
            Mistake::NoIdentity => Head {
                etag: "same".to_owned(),
                last_modified: 0,
                ..head
            },
            Mistake::AnyApproval | Mistake::NoLastLook => head,
        }))
    }

    async fn get(
        &self,
        asked: &ObjectName,
        unless: Option<&str>,
    ) -> Result<Fetched<OnePiece>, Error> {
        let read = self.port.get(asked, unless).await?;
        let code = self.code.borrow().clone();
        Ok(match (read, code) {
            (Fetched::Found(head, _), Some(code))
                if *asked == name("uploads", "approvals/acme.csv") =>
            {
                Fetched::Found(head, OnePiece::Left(code))
            }
            (read, _) => read,
        })
    }

    async fn get_version(
        &self,
        asked: &ObjectName,
        version_id: &str,
    ) -> Result<Fetched<OnePiece>, Error> {
        self.port.get_version(asked, version_id).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Error> {
        self.port.list(bucket, prefix).await
    }

    async fn put(&self, written: &ObjectName, put: Put) -> Result<PutResult, Error> {
        let text = String::from_utf8_lossy(&put.bytes).into_owned();
        if self.mistake == Mistake::AnyApproval
            && text.contains(HELD)
            && self.code.borrow().is_none()
        {
            let (_, from) = text.split_once("\"approval\":\"").unwrap();
            let code = from.split_once('"').unwrap().0.as_bytes().to_vec();
            self.code.replace(Some(code));
            // After this conflict, the code under test starts again.
            return Ok(PutResult::Conflict);
        }
        self.has_reported.replace(text.contains(HELD));
        let etag = self.output.borrow().as_ref().map(|head| head.etag.clone());
        let precondition = match (etag, &put.precondition) {
            (Some(etag), Precondition::Matches(same)) if same == "same" => {
                Precondition::Matches(etag)
            }
            (_, precondition) => precondition.clone(),
        };
        let put = Put {
            precondition,
            ..put
        };
        self.port.put(written, put).await
    }

    async fn delete(&self, removed: &ObjectName, etag: &str) -> Result<PutResult, Error> {
        self.port.delete(removed, etag).await
    }

    fn now(&self) -> i64 {
        self.port.now()
    }
}
