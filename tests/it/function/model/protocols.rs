//! The code under test: the real protocol, and broken ones.

use std::cell::RefCell;
use std::future::ready;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use htaccess_generator::function::publish::Publisher;
use htaccess_generator::function::schedule::{Schedule, Scheduler, Schedules};
use htaccess_generator::function::store::{
    Body, ContentDigest, Fetched, Head, ObjectName, Precondition, Put, PutKind, PutResult, Store,
};
use htaccess_generator::function::{Error, FunctionSettings, Handler, TemplateCache, Trigger};
use htaccess_generator::generate::generate;
use htaccess_generator::list::Shared;
use lambda_runtime::{Context, LambdaEvent};

use super::buckets::ANYTHING;
use super::contents::{source, template};
use super::invocation::{Code, Ended, OnePiece, Port};
use crate::function::handler::put_event;
use crate::function::memory_store::name;
use crate::support::AS_OF;

/// The code under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `Publisher::publish`.
    Publisher,
    /// `Publisher::publish` with a clock that is read before the first HEAD of the output.
    ClockFirst,
    /// `Publisher::publish` with alarms that are set after the write.
    AlarmLast,
    /// `Publisher::publish` with a list that is read before the first HEAD of the output.
    ListFirst,
    /// `Publisher::publish` with approvals that do not depend on the current output.
    NoIdentity,
    /// `Publisher::publish` with approvals that count for every change.
    AnyApproval,
    /// `Publisher::publish` without the check of the output after the report on a held change.
    NoLastLook,
    /// `Handler::handle`, from the event to the response.
    Handler,
    /// A naive protocol that reads the CSV and then writes the output.
    ReadThenWrite,
}

/// The inputs that the protocols share: the CSV, the settings and the templates of an invocation.
pub(crate) struct Task {
    pub(crate) key: &'static str,
    pub(crate) trigger: Trigger,
    pub(crate) settings: Rc<FunctionSettings>,
    pub(crate) templates: Rc<TemplateCache>,
}

impl Task {
    pub(super) async fn publish(self, store: &impl Store, scheduler: &dyn Scheduler) -> Ended {
        let work = async {
            let template = self.templates.current(store).await?;
            let service = Schedules {
                scheduler,
                function_arn: "",
            };
            let publisher = Publisher::new(store, &self.settings, &self.templates, template);
            let mut publisher = publisher.with_schedules(Some(service));
            let input = name("uploads", self.key);
            publisher.publish(&input, &self.trigger).await
        };
        match work.await {
            Ok(answer) => Ended::Ok(answer.status.to_string()),
            Err(err) => Ended::Err(err.kind()),
        }
    }
}

pub(crate) fn publisher(port: Port, task: Task) -> Code {
    Box::pin(async move { task.publish(&port, &port).await })
}

pub(crate) fn clock_first(port: Port, task: Task) -> Code {
    Box::pin(async move {
        // The port updates its clock when this call is answered.
        let first = port.head(&name("uploads", task.key)).await;
        let clock = first.map(|_| port.now()).ok();
        let store = Detour {
            clock,
            ..Detour::of(port.clone())
        };
        task.publish(&store, &port).await
    })
}

pub(crate) fn alarm_last(port: Port, task: Task) -> Code {
    Box::pin(async move {
        let detour = Detour::of(port);
        task.publish(&detour, &detour).await
    })
}

pub(crate) fn list_first(port: Port, task: Task) -> Code {
    Box::pin(async move {
        let read = port.get(&compiled_name(), None).await;
        let store = Detour {
            list: RefCell::new(read.ok()),
            ..Detour::of(port.clone())
        };
        task.publish(&store, &port).await
    })
}

/// A port that can be broken on purpose.
struct Detour {
    port: Port,
    /// The time at which the clock has stopped. `None` if the clock runs.
    clock: Option<i64>,
    /// The alarm to set after the next write.
    delayed: RefCell<Option<Schedule>>,
    /// The answer to the early read of the list. The next read of the list returns this answer.
    list: RefCell<Option<Fetched<OnePiece>>>,
}

impl Detour {
    /// Returns a port whose store is not broken.
    fn of(port: Port) -> Self {
        Self {
            port,
            clock: None,
            delayed: RefCell::default(),
            list: RefCell::default(),
        }
    }
}

impl Scheduler for Detour {
    fn create<'a>(&'a self, schedule: &'a Schedule) -> LocalBoxFuture<'a, Result<(), Error>> {
        self.delayed.replace(Some(schedule.clone()));
        Box::pin(ready(Ok(())))
    }
}

impl Store for Detour {
    type Body = OnePiece;

    async fn head(&self, name: &ObjectName) -> Result<Option<Head>, Error> {
        self.port.head(name).await
    }

    async fn get(
        &self,
        name: &ObjectName,
        unless: Option<&str>,
    ) -> Result<Fetched<OnePiece>, Error> {
        let is_list = *name == compiled_name();
        let read = self.list.borrow_mut().take_if(|_| is_list);
        match read {
            Some(read) => Ok(read),
            None => self.port.get(name, unless).await,
        }
    }

    async fn get_version(
        &self,
        name: &ObjectName,
        version_id: &str,
    ) -> Result<Fetched<OnePiece>, Error> {
        self.port.get_version(name, version_id).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Error> {
        self.port.list(bucket, prefix).await
    }

    async fn put(&self, name: &ObjectName, put: Put) -> Result<PutResult, Error> {
        let written = self.port.put(name, put).await?;
        if let Some(schedule) = self.delayed.take() {
            self.port.create(&schedule).await?;
        }
        Ok(written)
    }

    async fn delete(&self, name: &ObjectName, etag: &str) -> Result<PutResult, Error> {
        self.port.delete(name, etag).await
    }

    fn now(&self) -> i64 {
        self.clock.unwrap_or_else(|| self.port.now())
    }
}

pub(crate) fn handler(port: Port, task: &Task) -> Code {
    let settings = FunctionSettings::clone(&task.settings);
    let handler = Handler::new(port.clone(), settings).unwrap();
    let handler = handler.with_scheduler(port);
    let mut event = put_event(&[task.key]);
    if let Trigger::VersionDeleted(version) = &task.trigger {
        event["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
        event["Records"][0]["s3"]["object"]["versionId"] = version.as_str().into();
    }
    Box::pin(async move {
        let event = LambdaEvent::new(event, Context::default());
        match handler.handle(event).await {
            Ok(response) => Ended::Ok(
                serde_json::to_value(response).unwrap()["results"][0]["status"].to_string(),
            ),
            Err(err) => Ended::Err(err.kind()),
        }
    })
}

pub(crate) fn read_then_write(port: Port, task: Task) -> Code {
    let Task { key, settings, .. } = task;
    let work = async move {
        let template = template(Protocol::ReadThenWrite, None);
        let Fetched::Found(head, mut body) = port.get(&name("uploads", key), None).await? else {
            return Ok("missing");
        };
        let bytes = body.next().await?.unwrap().as_ref().to_vec();
        let outcome = generate(
            &bytes,
            &settings.settings,
            &template,
            &source(key),
            AS_OF,
            &Shared::default(),
        );
        let Some(file) = outcome.file else {
            return Ok("refused");
        };
        let put = Put {
            digest: ContentDigest::of(file.as_bytes()),
            bytes: file.into_bytes(),
            content_type: "text/plain; charset=utf-8",
            metadata: [("source-version".to_owned(), head.version_id)].into(),
            precondition: Precondition::Matches(ANYTHING.to_owned()),
            form: PutKind::Single,
        };
        port.put(&output_name(), put).await.map(|_| "written")
    };
    Box::pin(async {
        match work.await {
            Ok(status) => Ended::Ok(status.to_owned()),
            Err(err) => {
                let err: htaccess_generator::function::Error = err;
                Ended::Err(err.kind())
            }
        }
    })
}

pub(crate) fn compiled_name() -> ObjectName {
    name("reports", "compiled/lists/office.list")
}

pub(crate) fn output_name() -> ObjectName {
    name("sites", "acme/.htaccess")
}
