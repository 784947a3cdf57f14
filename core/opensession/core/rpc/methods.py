"""The list of all methods. A method is added here, in `daemon.methods`, and nowhere else."""

from __future__ import annotations

from typing import Any

from opensession.core.rpc import (
    backup,
    changes,
    config,
    coverage,
    daemon,
    doctor,
    events,
    hub,
    index,
    keeping,
    leaks,
    names,
    privacy,
    projects,
    publish,
    revive,
    search,
    sessions,
    stats,
    storage,
)
from opensession.core.rpc.envelope import Method, Nothing

HELLO = Method(
    "daemon.hello",
    daemon.HelloParams,
    daemon.Hello,
    "read",
    "First call of our own clients: versions, and where this client's agents live.",
)
STATUS = Method("daemon.status", Nothing, daemon.Status, "read", "How the daemon is.")
HEALTH = Method(
    "daemon.health",
    Nothing,
    daemon.Health,
    "read",
    "Every check, each with what mends it; per agent, newest change against newest indexed.",
)
STOP = Method("daemon.stop", Nothing, daemon.StopResult, "change", "Ends the daemon in good order.")
RELOAD = Method(
    "daemon.reload", Nothing, daemon.ReloadResult, "change", "Reads the configuration anew."
)
LOGS = Method(
    "daemon.logs", daemon.LogsParams, daemon.LogsResult, "read", "The end of the daemon's log."
)
AGENTS_LIST = Method(
    "agents.list",
    index.AgentsListParams,
    index.AgentsListResult,
    "read",
    "The agents that are known, and what lies on disk of each.",
)
AGENTS_COVERAGE = Method(
    "agents.coverage",
    coverage.CoverageParams,
    coverage.CoverageResult,
    "read",
    "Per agent and source what was found, read, skipped and why, and whether anything is behind.",
)
INDEX_RUN = Method(
    "index.run",
    index.IndexRunParams,
    index.JobResult,
    "change",
    "Compares everything on disk with the index now.",
)
INDEX_REBUILD = Method(
    "index.rebuild",
    index.IndexRunParams,
    index.JobResult,
    "change",
    "Makes the index anew from archive and sources.",
)
SESSIONS_LIST = Method(
    "sessions.list",
    sessions.SessionsListParams,
    sessions.SessionsListResult,
    "read",
    "Sessions by last activity, newest first.",
)
SESSIONS_GET = Method(
    "sessions.get", sessions.SessionGetParams, sessions.SessionDetail, "read", "One session."
)
SESSIONS_EVENTS = Method(
    "sessions.events",
    sessions.SessionEventsParams,
    sessions.SessionEventsResult,
    "read",
    "A page of a session's events.",
)
SESSIONS_EXPORT = Method(
    "sessions.export",
    sessions.ExportParams,
    sessions.ExportResult,
    "read",
    "A session as HAIL 1.0 lines.",
)
SESSIONS_RESOLVE = Method(
    "sessions.resolve", sessions.ResolveParams, sessions.Resolved, "read", "What a reference names."
)
SEARCH = Method(
    "search.query", search.SearchParams, search.SearchResult, "read", "Full-text search."
)
STATS = Method(
    "stats.get", stats.StatsParams, stats.Stats, "read", "Sums over sessions, tokens and cost."
)
CONFIG_GET = Method(
    "config.get", config.ConfigGetParams, config.ConfigGetResult, "read", "Settings."
)
CONFIG_SET = Method(
    "config.set", config.ConfigSetParams, config.ConfigSetResult, "change", "Changes settings."
)
CHANGES_RECORD = Method(
    "changes.record",
    changes.ChangesRecordParams,
    changes.ChangesRecordResult,
    "change",
    "Remembers a change outside our own folders, so that it can be undone.",
)
CHANGES_LIST = Method(
    "changes.list",
    Nothing,
    changes.ChangesListResult,
    "read",
    "The changes outside our own folders that are not undone.",
)
CHANGES_UNDONE = Method(
    "changes.undone",
    changes.ChangesUndoneParams,
    changes.ChangesUndoneResult,
    "change",
    "Notes that changes are undone.",
)
PRIVACY_SCAN = Method(
    "privacy.scan",
    privacy.ScanParams,
    index.JobResult,
    "read",
    "What is in native files and in the index, by kind, file and session; never a value.",
)
PRIVACY_TEST = Method(
    "privacy.test",
    privacy.PrivacyTestParams,
    privacy.PrivacyTestResult,
    "read",
    "A text as it would be stored.",
)
PRIVACY_EXPLAIN = Method(
    "privacy.explain",
    privacy.ExplainParams,
    privacy.ExplainResult,
    "read",
    "Where something of a session was replaced, and why.",
)
PRIVACY_PREVIEW = Method(
    "privacy.preview",
    privacy.PreviewParams,
    privacy.PreviewResult,
    "read",
    "The bytes that publishing a session would send.",
)
LEAKS_LIST = Method(
    "leaks.list",
    leaks.LeaksListParams,
    leaks.LeaksListResult,
    "read",
    "The secrets that sessions hold, one row each, and what they reached.",
)
LEAKS_RESOLVE = Method(
    "leaks.resolve",
    leaks.LeaksResolveParams,
    leaks.LeaksResolveResult,
    "change",
    "Marks secrets as resolved: they were changed where they are valid.",
)
LEAKS_SCRUB = Method(
    "leaks.scrub",
    leaks.LeaksScrubParams,
    index.JobResult,
    "destroy",
    "Takes a secret's value out of the index, and out of the archive if asked.",
)
PRIVACY_PAUSE = Method(
    "privacy.pause",
    keeping.PauseParams,
    keeping.PauseResult,
    "change",
    "Takes in nothing for a while, and never what is written then.",
)
PRIVACY_ALLOW = Method(
    "privacy.allow",
    keeping.AllowParams,
    keeping.AllowResult,
    "change",
    "Lets a session leave although it holds something of a blocked set.",
)
ARCHIVE_FORGET = Method(
    "archive.forget",
    keeping.ForgetParams,
    keeping.ForgetResult,
    "destroy",
    "Takes away what is stored of sessions and takes in no more of it; `undo` takes it in again.",
)
ARCHIVE_BACKUP = Method(
    "archive.backup",
    backup.BackupParams,
    index.JobResult,
    "exit",
    "Writes archive, user.db, key and settings to one new file, without API keys.",
)
ARCHIVE_FORGETTABLE = Method(
    "archive.forgettable",
    keeping.ForgettableParams,
    keeping.Forgettable,
    "read",
    "What `archive.forget` would take away.",
)
ARCHIVE_FORGOTTEN = Method(
    "archive.forgotten",
    Nothing,
    keeping.Forgotten,
    "read",
    "How many sessions are forgotten, and whether all of them is overwritten.",
)
ARCHIVE_REVIVE = Method(
    "archive.revive",
    revive.ReviveParams,
    revive.ReviveResult,
    "change",
    "Puts a session's archived files back where its agent looks for them; never over a file.",
)
ARCHIVE_STORAGE = Method(
    "archive.storage",
    Nothing,
    storage.StorageResult,
    "read",
    "What is kept of each agent, what it takes on the disk, and what is safely archived.",
)
ARCHIVE_VERIFY = Method(
    "archive.verify",
    storage.VerifyParams,
    index.JobResult,
    "change",
    "Reads the archive's frames, all or a sample, and names damaged ones; `mend` reads them anew.",
)
ARCHIVE_PRUNE = Method(
    "archive.prune",
    storage.PruneParams,
    storage.PruneResult,
    "destroy",
    "Takes away sessions that are older than they are to be kept and gone at their agent.",
)
ARCHIVE_COMPACT = Method(
    "archive.compact",
    Nothing,
    index.JobResult,
    "change",
    "Merges archive frames and shrinks the index, in steps.",
)
DOCTOR_RUN = Method(
    "doctor.run",
    doctor.DoctorParams,
    doctor.Diagnosis,
    "read",
    "Every check there is, those of `daemon.health` among them, each with what mends it.",
)
DOCTOR_MEND = Method(
    "doctor.mend",
    doctor.MendParams,
    doctor.MendResult,
    "change",
    "Narrows the modes of our own files, removes what a crash left.",
)
PROJECTS_LIST = Method(
    "projects.list",
    Nothing,
    projects.ProjectsResult,
    "read",
    "The folders that were worked in, and where they are today.",
)
PROJECTS_LINK = Method(
    "projects.link",
    projects.ProjectLinkParams,
    projects.ProjectLinkResult,
    "change",
    "Says that a folder was moved: its sessions belong to the new one as well.",
)
NAMES_SET = Method(
    "names.set",
    names.NamesSetParams,
    names.NamesSetResult,
    "change",
    "Changes what people call sessions: alias, tags, note, star.",
)
NAMES_LIST = Method(
    "names.list",
    Nothing,
    names.NamesListResult,
    "read",
    "The sessions that people called something, and all tags.",
)
SUBSCRIBE = Method(
    "events.subscribe",
    events.SubscribeParams,
    events.SubscribeResult,
    "read",
    "Sends `events.event` for every committed event from now on.",
)
UNSUBSCRIBE = Method(
    "events.unsubscribe",
    events.UnsubscribeParams,
    events.UnsubscribeResult,
    "read",
    "Ends a subscription.",
)

STREAM_STATUS = Method(
    "stream.status",
    publish.StreamParams,
    publish.StreamResult,
    "read",
    "What is published by itself, and what each policy covers.",
)
STREAM_ENABLE = Method(
    "stream.enable",
    publish.StreamParams,
    publish.StreamResult,
    "exit",
    "Publishes sessions of an agent or a repository by itself, from their next event on.",
)
STREAM_DISABLE = Method(
    "stream.disable",
    publish.StreamParams,
    publish.StreamResult,
    "change",
    "Ends a policy; what was sent stays on the hub.",
)
PUBLISH_PENDING = Method(
    "publish.pending",
    publish.PendingParams,
    publish.PendingResult,
    "read",
    "Sessions that are to be published and are not (wholly) on the hub, with the reason.",
)
PUBLISH_APPROVE = Method(
    "publish.approve",
    publish.DecideParams,
    publish.DecideResult,
    "exit",
    "Lets sessions go that wait for a person.",
)
PUBLISH_DENY = Method(
    "publish.deny",
    publish.DecideParams,
    publish.DecideResult,
    "change",
    "Keeps sessions from being published.",
)
PUBLISH_REFRESH = Method(
    "publish.refresh",
    publish.DecideParams,
    publish.DecideResult,
    "exit",
    "Sends again what newer rules or parsers changed in what was sent.",
)
PUBLISH_RECEIPTS = Method(
    "publish.receipts",
    publish.ReceiptsParams,
    publish.ReceiptsResult,
    "read",
    "What hubs acknowledged.",
)
PUBLISH_RECALL = Method(
    "publish.recall",
    publish.RecallParams,
    publish.RecallResult,
    "exit",
    "Takes publications back: the hub deletes them.",
)
HUB_STATUS = Method(
    "hub.status", hub.HubStatusParams, hub.HubStatus, "read", "The hub, and whose the key is."
)
HUB_LOGIN = Method(
    "hub.login",
    hub.HubLoginParams,
    hub.HubStatus,
    "change",
    "Takes up the server and the key that a client wrote; a key that is given stays in memory.",
)
HUB_UPLOAD = Method(
    "hub.upload",
    hub.HubUploadParams,
    hub.HubUploadResult,
    "exit",
    "Sends sessions once; without `really` only tells what would be sent.",
)

METHODS: tuple[Method[Any, Any], ...] = (
    HELLO, STATUS, HEALTH, STOP, RELOAD, LOGS, AGENTS_LIST, AGENTS_COVERAGE, INDEX_RUN,
    INDEX_REBUILD, SESSIONS_LIST, SESSIONS_GET, SESSIONS_EVENTS, SESSIONS_EXPORT,
    SESSIONS_RESOLVE, SEARCH, STATS, CONFIG_GET, CONFIG_SET, CHANGES_RECORD, CHANGES_LIST,
    CHANGES_UNDONE, PRIVACY_SCAN, PRIVACY_TEST, PRIVACY_EXPLAIN, PRIVACY_PREVIEW, LEAKS_LIST,
    LEAKS_RESOLVE, LEAKS_SCRUB, PRIVACY_PAUSE, PRIVACY_ALLOW, PROJECTS_LIST, PROJECTS_LINK,
    ARCHIVE_BACKUP,
    ARCHIVE_FORGET, ARCHIVE_FORGETTABLE, ARCHIVE_FORGOTTEN, ARCHIVE_REVIVE, ARCHIVE_STORAGE,
    ARCHIVE_VERIFY, ARCHIVE_PRUNE, ARCHIVE_COMPACT, DOCTOR_RUN, DOCTOR_MEND, NAMES_SET, NAMES_LIST,
    SUBSCRIBE, UNSUBSCRIBE, STREAM_STATUS, STREAM_ENABLE, STREAM_DISABLE, PUBLISH_PENDING,
    PUBLISH_APPROVE, PUBLISH_DENY, PUBLISH_REFRESH, PUBLISH_RECEIPTS, PUBLISH_RECALL, HUB_STATUS,
    HUB_LOGIN, HUB_UPLOAD,
)  # fmt: skip
