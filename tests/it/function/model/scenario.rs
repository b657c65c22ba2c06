//! The uploads of a case, their events, and the faults.

use std::rc::Rc;

use htaccess_generator::function::Handler;
use htaccess_generator::function::publish::Publisher;
use htaccess_generator::function::store::{
    Body, Fetched, ObjectName, Precondition, Put, PutKind, Store,
};
use htaccess_generator::function::{FunctionSettings, OnDelete};
use htaccess_generator::generate::generate;
use htaccess_generator::policy::PolicyBuilder;
use htaccess_generator::render::{Template, render};
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::Settings;
use htaccess_generator::source::Source;
use lambda_runtime::{Context, LambdaEvent};

use super::buckets::{ANYTHING, Bend};
use super::invocation::{Code, Ended, Port};
use super::learned::Start;
use crate::function::handler::put_event;
use crate::function::memory_store::name;

/// The CSVs that share the output. Only the tests of shared outputs use the second one.
pub(crate) const KEYS: [&str; 2] = ["acme.csv", "acme.csv.gz"];

/// The content of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Csv {
    X,
    Y,
    Z,
    /// A CSV that is refused.
    Bad,
}

impl Csv {
    pub(crate) const GOOD: [Self; 3] = [Self::X, Self::Y, Self::Z];

    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Self::X => b"IP,Rule\n192.0.2.1,Allow\n",
            Self::Y => b"IP,Rule\n192.0.2.2,Allow\n",
            Self::Z => b"IP,Rule\n192.0.2.3,Allow\n",
            Self::Bad => b"no column of any use\n",
        }
    }
}

/// A change of the bucket of the CSVs. The number is the index of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Upload(usize, Csv),
    Delete(usize),
    /// The clock of `Last-Modified` advances by a second.
    Tick,
}

pub(crate) const X: Step = Step::Upload(0, Csv::X);
pub(crate) const Y: Step = Step::Upload(0, Csv::Y);
pub(crate) const Z: Step = Step::Upload(0, Csv::Z);
pub(crate) const BAD: Step = Step::Upload(0, Csv::Bad);
pub(crate) const DELETE: Step = Step::Delete(0);

/// The code under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `Publisher::publish`.
    Publisher,
    /// `Handler::handle`, from the event to the response.
    Handler,
    /// A naive protocol: read the CSV, write the output.
    ReadThenWrite,
}

/// The faults that can happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// An invocation may end between any two calls, and after its last.
    pub(crate) crashes: bool,
    /// A call may fail, without effect or after it.
    pub(crate) errors: bool,
    /// A write that no invocation waits for any more can still take effect, at any time.
    pub(crate) in_flight: bool,
    /// The number of writes that can be answered with a conflict without a reason (409), or because
    /// the client sent them twice and the second met the first (412).
    pub(crate) conflicts: usize,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        crashes: false,
        errors: false,
        in_flight: false,
        conflicts: 0,
    };
    pub(crate) const CRASHES: Self = Self {
        crashes: true,
        ..Self::NONE
    };
    /// All faults except writes in flight.
    pub(crate) const ALL: Self = Self {
        errors: true,
        conflicts: 1,
        ..Self::CRASHES
    };
}

/// The promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// When all is done, the output belongs to the newest CSV.
    End,
    /// Before that, the output never returns from a newer upload to an older one.
    EndAndWay,
}

/// A case.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) on_delete: OnDelete,
    pub(crate) steps: Vec<Step>,
    /// The number of steps that are done and published one by one before the schedule starts.
    pub(crate) done_before: usize,
    /// The events, each with the step that it is about.
    pub(crate) events: Vec<usize>,
    pub(crate) faults: Faults,
    /// The number of times that an event is delivered again after a crash or an error.
    pub(crate) redeliveries: usize,
    /// The maximum number of concurrent invocations.
    pub(crate) environments: usize,
    pub(crate) versioned: bool,
    pub(crate) reports: bool,
    pub(crate) protocol: Protocol,
    pub(crate) bend: Bend,
    pub(crate) promise: Promise,
}

impl Scenario {
    /// Steps whose events come at any time after them, in any order.
    pub(crate) fn new(steps: &[Step], events: &[usize]) -> Self {
        Self {
            on_delete: OnDelete::Keep,
            steps: steps.to_vec(),
            done_before: 0,
            events: events.to_vec(),
            faults: Faults::CRASHES,
            redeliveries: 2,
            environments: usize::MAX,
            versioned: true,
            reports: false,
            protocol: Protocol::Publisher,
            bend: Bend::Sound,
            promise: Promise::EndAndWay,
        }
    }

    /// Like [`Scenario::new`], but the first steps are published before.
    pub(crate) fn after_the_first(self) -> Self {
        Self {
            done_before: 1,
            ..self
        }
    }

    pub(crate) fn key_of(&self, step: usize) -> usize {
        match self.steps[step] {
            Step::Upload(key, _) | Step::Delete(key) => key,
            Step::Tick => panic!("nothing tells of a tick"),
        }
    }

    fn settings(&self) -> FunctionSettings {
        let on_delete = match self.on_delete {
            OnDelete::Keep => "keep",
            OnDelete::Remove => "remove",
            OnDelete::Deny => "deny",
        };
        let settings = FunctionSettings::read(|name| match name {
            "OUTPUT_BUCKET" => Some("sites".to_owned()),
            "REPORT_BUCKET" if self.reports => Some("reports".to_owned()),
            "ON_DELETE" => Some(on_delete.to_owned()),
            _ => None,
        });
        settings.unwrap()
    }

    /// The code, once for each key.
    pub(crate) fn starts(&self) -> Vec<Start> {
        let settings = Rc::new(self.settings());
        let template = Rc::new(template(self.protocol));
        let protocol = self.protocol;
        let start = |key| -> Start {
            let settings = Rc::clone(&settings);
            let template = Rc::clone(&template);
            Box::new(move |port| {
                let (settings, template) = (Rc::clone(&settings), Rc::clone(&template));
                match protocol {
                    Protocol::Publisher => publisher(port, key, settings, template),
                    Protocol::Handler => handler(port, key, &settings),
                    Protocol::ReadThenWrite => read_then_write(port, key, settings, template),
                }
            })
        };
        KEYS.into_iter().map(start).collect()
    }
}

/// A template that takes no time. The handler compiles its own.
fn template(protocol: Protocol) -> Template {
    const SMALL: &str = "{% if allow.count == 0 %}nobody{% endif %}\
        {% for line in allow.lines %}{{ line }}\n{% endfor %}";
    match protocol {
        Protocol::Handler => Template::built_in("apache24").unwrap(),
        _ => Template::compile(SMALL).unwrap(),
    }
}

fn publisher(
    port: Port,
    key: &'static str,
    settings: Rc<FunctionSettings>,
    template: Rc<Template>,
) -> Code {
    Box::pin(async move {
        let mut publisher = Publisher::new(&port, &settings, &template);
        match publisher.publish(&name("uploads", key), None).await {
            Ok(answer) => Ended::Ok(answer.status.to_string()),
            Err(err) => Ended::Err(err.kind()),
        }
    })
}

fn handler(port: Port, key: &'static str, settings: &FunctionSettings) -> Code {
    let handler = Handler::new(port, settings.clone()).unwrap();
    Box::pin(async move {
        let event = LambdaEvent::new(put_event(&[key]), Context::default());
        match handler.handle(event).await {
            Ok(response) => Ended::Ok(
                serde_json::to_value(response).unwrap()["results"][0]["status"].to_string(),
            ),
            Err(err) => Ended::Err(err.kind()),
        }
    })
}

fn read_then_write(
    port: Port,
    key: &'static str,
    settings: Rc<FunctionSettings>,
    template: Rc<Template>,
) -> Code {
    let work = async move {
        let Fetched::Found(head, mut body) = port.get(&name("uploads", key), None).await? else {
            return Ok("missing");
        };
        let bytes = body.next().await?.unwrap().as_ref().to_vec();
        let outcome = generate(&bytes, &settings.settings, &template, &source(key));
        let Some(file) = outcome.file else {
            return Ok("refused");
        };
        let put = Put {
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

pub(crate) fn output_name() -> ObjectName {
    name("sites", "acme/.htaccess")
}

fn source(key: &str) -> Source {
    Source {
        key: key.to_owned(),
        bucket: "uploads".to_owned(),
        ..Source::default()
    }
}

/// The output that a good CSV must have.
pub(crate) fn output_of(protocol: Protocol, key: usize, csv: Csv) -> Vec<u8> {
    let settings = Settings::default();
    let template = template(protocol);
    let outcome = generate(csv.bytes(), &settings, &template, &source(KEYS[key]));
    outcome.file.unwrap().into_bytes()
}

/// The output of a deleted CSV under `deny`.
pub(crate) fn output_of_nobody(protocol: Protocol, key: usize) -> Vec<u8> {
    let nobody = PolicyBuilder::default().build(DefaultPolicy::Deny);
    let file = render(
        &template(protocol),
        &source(KEYS[key]),
        &nobody,
        &[],
        0,
        u64::MAX,
    );
    file.unwrap().text.into_bytes()
}

/// Returns whether two files are equal except for the blank lines that change the entity tag.
pub(crate) fn is_file(bytes: &[u8], expected: &[u8]) -> bool {
    let rest = bytes.strip_prefix(expected);
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b'\n'))
}
