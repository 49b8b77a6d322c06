//! Who works, and when: one task for each mailbox and endpoint that is looked into, and one for each lane of
//! queued work. A lane does one batch at a time, the next while the disk takes the last; a slow one holds up nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::crew::Crew;
#[cfg(unix)]
use super::desk;
use super::live::Live;
use super::raising::about_upkeep;
use super::reload::Watched;
use super::retention::keep_retiring;
use super::webhooks::keep_telling;
use super::working::{Underway, do_some, finish_some};
use super::{Error, Gateway, setup};
use crate::exceptions::Kind;
use crate::store::{self, Taken};

/// The lane of copies for people.
pub(super) const QUARANTINE: &str = "quarantine";

/// What the lanes begin with in which is translated what came.
const RECEIVE: &str = "receive";
/// What the lanes of deadlines begin with.
const DEADLINES: &str = "deadlines";
/// What the lanes begin with in which receipts of AS2 are waited for, and sent.
const RECEIPTS: &str = "receipts";
/// What the lanes of messages begin with.
const NOTIFY: &str = "notify";
/// What the lanes of webhooks begin with.
const WEBHOOK: &str = "webhook";

/// How often overdue acknowledgements are looked for, and the status written.
pub(super) const CLOCK: Duration = Duration::from_secs(5);
/// The longest from one look at the profiles to the next.
const PROFILES_POLL_MAX: Duration = Duration::from_secs(5);
/// The longest that a lane sleeps although nothing wakes it.
const NAP_MAX: Duration = Duration::from_mins(1);
/// How long a lane that puts files into folders rests after each batch while more comes than is translated at once.
const GIVES_WAY: Duration = Duration::from_millis(500);
/// The longest that a step waits for those before it which need no server either.
const ROOM_PATIENCE: Duration = Duration::from_secs(3);

/// What waits for partners that were left out.
pub(super) fn held(mailbox: &str) -> String {
    format!("held {mailbox}")
}

pub(super) fn receive(mailbox: &str) -> String {
    format!("{RECEIVE} {mailbox}")
}

/// Whether what came is translated in a lane.
pub(super) fn is_receiving(lane: &str) -> bool {
    lane.strip_prefix(RECEIVE).is_some_and(|rest| rest.starts_with(' '))
}

/// Tests have a lane of their own: their endpoint is another, and may be out of order for long.
pub(super) fn call(partner: &str, test: bool) -> String {
    format!("call{} {partner}", if test { "-test" } else { "" })
}

pub(super) fn render(partner: &str) -> String {
    format!("render {partner}")
}

pub(super) fn send(partner: &str) -> String {
    format!("send {partner}")
}

/// Deadlines of the business, which wait until there is something to be told.
/// Whether a lane is one of deadlines, which are no work as long as they have not come.
pub(super) fn is_deadlines(lane: &str) -> bool {
    lane.strip_prefix(DEADLINES).is_some_and(|rest| rest.starts_with(' '))
}

pub(super) fn deadlines(partner: &str) -> String {
    format!("{DEADLINES} {partner}")
}

/// Receipts over AS2: ours that are wanted later, and the partner's that are waited for.
pub(super) fn receipts(partner: &str) -> String {
    format!("{RECEIPTS} {partner}")
}

/// Whether what stands in a lane only waits for its time.
pub(super) fn only_waits(lane: &str) -> bool {
    lane.split_once(' ').is_some_and(|(work, _)| matches!(work, DEADLINES | RECEIPTS))
}

/// Messages to a destination have a lane of their own: one that hangs holds up nothing else.
pub(super) fn notify(destination: &str) -> String {
    format!("{NOTIFY} {destination}")
}

/// So have the events of a webhook.
pub(super) fn webhook(name: &str) -> String {
    format!("{WEBHOOK} {name}")
}

/// Whose a lane is, if it is a partner's.
pub(super) fn partner(lane: &str) -> Option<&str> {
    let (work, name) = lane.split_once(' ')?;
    (work != NOTIFY && work != WEBHOOK).then_some(name)
}

fn mailbox(key: &str) -> String {
    format!("mailbox {key}")
}

fn endpoint_of(partner: &str) -> String {
    format!("endpoint of {partner}")
}

/// Every lane that is worked off: those of live partners. The work of one that is off waits.
pub(super) fn all(gateway: &Gateway) -> BTreeSet<String> {
    let mut lanes: BTreeSet<String> = [QUARANTINE.to_owned()].into();
    lanes.extend(gateway.destinations.keys().map(|name| notify(name)));
    lanes.extend(gateway.receivers.keys().map(|name| webhook(name)));
    let live = gateway.live();
    lanes.extend(live.mailboxes.keys().map(|key| receive(key)));
    if live.profiles.left_out().is_empty() {
        lanes.extend(live.mailboxes.keys().map(|key| held(key)));
    }
    for name in live.working() {
        let own = [call(name, false), call(name, true), render(name), send(name), deadlines(name)];
        lanes.extend(own);
        if live.profiles.partner(name).is_some_and(|partner| partner.mailbox.as2.is_some()) {
            lanes.insert(receipts(name));
        }
    }
    lanes
}

/// Something that is done as long as the gateway runs, or as long as the profiles want it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    /// Works off a lane.
    Lane(String),
    /// Looks into a mailbox.
    Mailbox(String),
    /// Looks for a partner's documents at its endpoint.
    Endpoint(String),
    /// Looks whether profiles have changed.
    Profiles,
    /// Keeps the clocks.
    Clock,
    /// Retires what is over long ago.
    Retention,
    /// Queues events for webhooks.
    Webhooks,
    /// Answers commands of other processes.
    #[cfg(unix)]
    Desk,
}

impl Job {
    fn all(gateway: &Gateway) -> BTreeSet<Self> {
        let live = gateway.live();
        let mut jobs: BTreeSet<Self> = [Self::Profiles, Self::Clock, Self::Retention].into();
        #[cfg(unix)]
        jobs.insert(Self::Desk);
        if !gateway.receivers.is_empty() {
            jobs.insert(Self::Webhooks);
        }
        jobs.extend(all(gateway).into_iter().map(Self::Lane));
        jobs.extend(self::jobs(&live).map(|(job, _)| job));
        jobs
    }

    async fn run(
        self,
        gateway: Arc<Gateway>,
        stop: watch::Receiver<bool>,
    ) -> (Self, Result<(), Error>) {
        let result = match self.clone() {
            Self::Lane(lane) => work_off(gateway, lane, stop).await,
            Self::Mailbox(key) => watch_mailbox(gateway, key, stop).await,
            Self::Endpoint(partner) => watch_endpoint(gateway, partner, stop).await,
            Self::Profiles => watch_profiles(gateway, stop).await,
            Self::Clock => keep_time(gateway, stop).await,
            Self::Retention => keep_retiring(gateway, stop).await,
            Self::Webhooks => keep_telling(gateway, stop).await,
            #[cfg(unix)]
            Self::Desk => desk::serve(gateway, stop).await,
        };
        (self, result)
    }
}

/// The place of the profiles, as the status names it.
pub(super) const PROFILES: &str = "profiles";

/// Every place that is looked into, with its name in the status.
fn jobs(live: &Live) -> impl Iterator<Item = (Job, String)> {
    let mailboxes = live.mailboxes.keys().map(|key| (Job::Mailbox(key.clone()), mailbox(key)));
    let partners = live.working().map(|name| (Job::Endpoint(name.to_owned()), endpoint_of(name)));
    mailboxes.chain(partners)
}

/// The names of all places that are looked into.
pub(super) fn places(live: &Live) -> BTreeSet<String> {
    jobs(live).map(|(_, place)| place).chain([PROFILES.to_owned()]).collect()
}

/// Runs all of them until stopped, or until the store fails. After a reload what is new is begun, and what is gone
/// ends with the step that is under way.
pub(super) async fn run(
    gateway: Arc<Gateway>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let beginner = Arc::clone(&gateway);
    blocking(move || beginner.begin_webhooks().and_then(|()| beginner.begin())).await?;
    let mut tasks = JoinSet::new();
    let mut running: BTreeMap<Job, watch::Sender<bool>> = BTreeMap::new();
    let mut ending: BTreeSet<Job> = BTreeSet::new();
    let mut stopping = *stop.borrow();
    let mut outcome = Ok(());
    loop {
        let wanted = if stopping { BTreeSet::new() } else { Job::all(&gateway) };
        let gone: Vec<Job> = running.keys().filter(|job| !wanted.contains(job)).cloned().collect();
        for job in gone {
            // One that has ended by itself hears nothing any more.
            let _ = running.remove(&job).map(|own| own.send(true));
            ending.insert(job);
        }
        // What is wanted again waits until its former self has ended.
        let new = wanted.into_iter().filter(|j| !running.contains_key(j) && !ending.contains(j));
        for job in new.collect::<Vec<_>>() {
            let (own, stopped) = watch::channel(false);
            tasks.spawn(job.clone().run(Arc::clone(&gateway), stopped));
            running.insert(job, own);
        }
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => break,
                Some(Ok((job, Ok(())))) => {
                    running.remove(&job);
                    ending.remove(&job);
                }
                Some(failed) => {
                    let error = failed.map_or_else(|e| Err(Error::Defect(e.to_string())), |(_, r)| r);
                    if let (Err(e), true) = (&error, outcome.is_ok()) {
                        tracing::error!("the gateway ends: {e}");
                        outcome = error;
                    }
                    // The store is not to be trusted any more: nobody goes on.
                    stopping = true;
                    tasks.abort_all();
                }
            },
            () = gateway.reloaded.notified(), if !stopping => {}
            _ = stop.changed(), if !stopping => stopping = true,
        }
    }
    if let (Ok(()), Err(e)) = (&outcome, gateway.write_acknowledgement_log()) {
        // The next start writes what is missing.
        tracing::warn!("{e}");
    }
    gateway.write_status(false, outcome.as_ref().err());
    outcome
}

async fn work_off(
    gateway: Arc<Gateway>,
    lane: String,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let wake = gateway.ledger.wake(&lane);
    let mut underway = None;
    while !*stop.borrow() {
        let waited = underway.is_some();
        let before = finish(&gateway, underway.take());
        let (finished, next) = tokio::join!(before, work_on(&gateway, &lane));
        let finished = passing(&lane, finished)?.is_some();
        let nap = match passing(&lane, next)? {
            Some(Step::Done(done)) if gateway.gives_way(&lane, &done) => {
                passing(&lane, finish(&gateway, Some(done)).await)?;
                tokio::select! {
                    () = tokio::time::sleep(GIVES_WAY) => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            Some(Step::Done(done)) => {
                underway = Some(done);
                continue;
            }
            // Meanwhile there may be something that had to wait for what was underway.
            Some(Step::Nap(_)) if waited && finished => continue,
            Some(Step::Nap(nap)) if finished => nap,
            _ => CLOCK,
        };
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(nap.min(NAP_MAX)) => {}
            _ = stop.changed() => {}
        }
    }
    passing(&lane, finish(&gateway, underway).await)?;
    Ok(())
}

/// What came of a step; nothing where it failed by what may go by, which is told.
fn passing<T>(lane: &str, step: Result<T, Error>) -> Result<Option<T>, Error> {
    match step {
        Err(e) if !is_lasting(&e) => {
            tracing::error!(lane, "{e}");
            Ok(None)
        }
        step => step.map(Some),
    }
}

/// What a lane came to.
enum Step {
    /// Something was done, and perhaps waits for the disk, while the next may be done.
    Done(Underway),
    /// For so long there is nothing to do.
    Nap(Duration),
}

async fn finish(gateway: &Arc<Gateway>, underway: Option<Underway>) -> Result<(), Error> {
    match underway {
        Some(underway) => finish_some(gateway, underway).await,
        None => Ok(()),
    }
}

/// Does the next pieces of work of a lane, or tells how long there are none.
async fn work_on(gateway: &Arc<Gateway>, lane: &str) -> Result<Step, Error> {
    let (taker, of) = (Arc::clone(gateway), lane.to_owned());
    let taken = nearby(gateway, move || {
        let most = taker.together(&of);
        let taken = taker.ledger.store().take(&of, Timestamp::now(), most)?;
        if let (Taken::Work(works), true) = (&taken, is_receiving(&of)) {
            taker.pressure.note(works.len(), most, Instant::now());
        }
        Ok(taken)
    });
    match taken.await? {
        Taken::Work(works) => {
            let underway = do_some(gateway, works).await?;
            if gateway.is_at_hand(lane) {
                return Ok(Step::Done(underway));
            }
            // A server is told the next only once what it was told before is durable.
            finish_some(gateway, underway).await?;
            Ok(Step::Done(Underway::default()))
        }
        Taken::NotBefore(due) => Ok(Step::Nap(until(due))),
        Taken::Nothing => Ok(Step::Nap(NAP_MAX)),
    }
}

impl Gateway {
    /// What is done every few seconds. One that fails keeps nobody from the others.
    fn tick(&self) -> Result<(), Error> {
        let done = [
            ("marking what is overdue", self.mark_overdue().map_err(Error::Store)),
            ("looking for late answers", self.tell_late().map_err(Error::Store)),
            ("looking for what is to be told", self.tell_alerts()),
            ("writing the acknowledgement log", self.write_acknowledgement_log()),
            ("reconciling the day", self.reconcile_days()),
            #[cfg(feature = "as2")]
            ("looking at certificates", self.look_at_certificates(Timestamp::now())),
            ("archiving the journal", self.ledger.store().tidy().map_err(Error::Store)),
            ("compacting the database", self.compact().map_err(Error::Store)),
        ];
        self.write_status(true, None);
        for (what, result) in done {
            let (about, error) = (about_upkeep(what), result.err());
            // What is put off was told in the log when it was tried.
            let is_told = |e: &Error| matches!(e, Error::Store(store::Error::PutOff { .. }));
            if let Some(e) = error.as_ref().filter(|e| !is_lasting(e) && !is_told(e)) {
                tracing::error!("{e}");
            }
            self.stands(Kind::StoreTrouble, about, what, error)?;
        }
        Ok(())
    }

    /// Has the database compacted once it has grown.
    fn compact(&self) -> Result<(), store::Error> {
        let over = u64::from(self.config.limits.database_mebibytes) << 20;
        self.ledger.store().compact_over(over)
    }
}

/// Whether the store will answer no call any more, so that the gateway has to end. Everything else may go by: it is
/// told, and tried again.
pub(super) fn is_lasting(error: &Error) -> bool {
    matches!(
        error,
        Error::Store(store::Error::Database { .. } | store::Error::Log(_) | store::Error::Closed)
    )
}

async fn watch_mailbox(
    gateway: Arc<Gateway>,
    key: String,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let find = || gateway.live().mailboxes.get(&key).cloned();
    if let Some(binding) = find().filter(|binding| !binding.begins_at_once()) {
        pause(&gateway, None, binding.wait(&Zoned::now()), &mut stop).await;
    }
    while !*stop.borrow() {
        // One that is gone has its end before it.
        let Some(binding) = find() else { return Ok(()) };
        let (eyes, taken, stopped) = (Arc::clone(&gateway), Arc::clone(&binding), stop.clone());
        let look = move || eyes.take_from_mailbox(&taken, &|| *stopped.borrow());
        let looked = if binding.mailbox.is_remote() {
            let _permit = gateway.servers.acquire().await.ok();
            blocking(look).await
        } else {
            nearby(&gateway, look).await
        };
        let unsettled = looked_into(&gateway, mailbox(&key), looked).await?;
        let binding = find().unwrap_or(binding);
        let settle = unsettled.then_some(binding.settle);
        pause(&gateway, settle, binding.wait(&Zoned::now()), &mut stop).await;
    }
    Ok(())
}

async fn watch_endpoint(
    gateway: Arc<Gateway>,
    partner: String,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    while !*stop.borrow() {
        let (eyes, name, stopped) = (Arc::clone(&gateway), partner.clone(), stop.clone());
        let look = move || {
            let Some(partner) = eyes.live().profiles.partner(&name).cloned() else {
                return Ok(false);
            };
            let mut unsettled = Ok(false);
            for kind in setup::kinds_out(&partner) {
                // One kind that fails keeps back no other.
                match eyes.take_from_endpoint(&partner, &kind, &|| *stopped.borrow()) {
                    Err(Error::Store(e)) => return Err(Error::Store(e)),
                    Err(e) => unsettled = unsettled.and(Err(e)),
                    Ok(more) => unsettled = unsettled.map(|before| before || more),
                }
            }
            unsettled
        };
        // What is asked over the net takes no room of the disks.
        let looked = if gateway.calls_far(&partner) {
            blocking(look).await
        } else {
            nearby(&gateway, look).await
        };
        let unsettled = looked_into(&gateway, endpoint_of(&partner), looked).await?;
        let settle = unsettled.then_some(gateway.config.settle);
        pause(&gateway, settle, gateway.config.poll, &mut stop).await;
    }
    Ok(())
}

async fn watch_profiles(
    gateway: Arc<Gateway>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut watched = Watched::begin(&gateway);
    while !*stop.borrow() {
        let eyes = Arc::clone(&gateway);
        let (seen, looked) = blocking(move || {
            let looked = eyes.look_at_profiles(&mut watched);
            Ok((watched, looked))
        })
        .await?;
        watched = seen;
        let unsettled = looked_into(&gateway, PROFILES.to_owned(), looked).await?;
        let settle = unsettled.then_some(gateway.config.settle);
        pause(&gateway, settle, gateway.config.poll.min(PROFILES_POLL_MAX), &mut stop).await;
    }
    Ok(())
}

/// Notes a look.
async fn looked_into(
    gateway: &Arc<Gateway>,
    place: String,
    looked: Result<bool, Error>,
) -> Result<bool, Error> {
    let noting = Arc::clone(gateway);
    let noted = nearby(gateway, move || noting.looked(&place, looked)).await;
    match noted {
        Err(e) if !is_lasting(&e) => {
            tracing::error!("{e}");
            Ok(false)
        }
        noted => noted,
    }
}

/// Until the next look: soon, in `settle`, where files still grow.
async fn pause(
    gateway: &Gateway,
    settle: Option<Duration>,
    poll: Duration,
    stop: &mut watch::Receiver<bool>,
) {
    let nap = settle.map_or(poll, |settle| settle.min(poll));
    // A look that costs nothing must not become a busy loop.
    let nap = nap.max(Duration::from_millis(5));
    tokio::select! {
        () = gateway.ledger.looked_for() => {}
        () = tokio::time::sleep(nap) => {}
        _ = stop.changed() => {}
    }
}

async fn keep_time(gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
    while !*stop.borrow() {
        let keeper = Arc::clone(&gateway);
        match blocking(move || keeper.tick()).await {
            Err(e) if is_lasting(&e) => return Err(e),
            Err(e) => tracing::error!("{e}"),
            Ok(()) => {}
        }
        tokio::select! {
            () = gateway.ledger.looked_for() => {}
            () = tokio::time::sleep(CLOCK) => {}
            _ = stop.changed() => {}
        }
    }
    Ok(())
}

fn until(due: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_until(due)).unwrap_or(Duration::ZERO)
}

/// The same for a step that needs no more than the disks of this machine: few of them at a time, since some thousand
/// folders that are looked into at once would make as many threads. Where folders hang (their server is gone), the others
/// wait no longer than [`ROOM_PATIENCE`] for any step to end.
pub(super) async fn nearby<T: Send + 'static>(
    gateway: &Gateway,
    step: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let Some(_room) = gateway.disks.enter(ROOM_PATIENCE).await else {
        return blocking(step).await;
    };
    done_by(&gateway.disk_crew, step).await
}

/// Has a step done by one of a few threads. A step that panics is a defect, and a failure like any other.
pub(super) async fn done_by<T: Send + 'static>(
    crew: &Crew,
    step: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = crew.run(step).await;
    done.unwrap_or_else(|| Err(Error::Defect("a step ended in a panic".to_owned())))
}

/// Runs a step where blocking is allowed, beside any number of others. One that panics is a defect as well.
pub(super) async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(step).await {
        Ok(result) => result,
        Err(e) => Err(Error::Defect(format!("a step ended in a panic: {e}"))),
    }
}
