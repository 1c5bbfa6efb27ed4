"""Downloads from a hub as the manager decides them: look, see what fits, fetch part by part."""

from modeld.core import effects, facts
from modeld.core.facts import RemoteFile
from modeld.protocol import events, replies, requests
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobState, ModelState, Phase
from support.hub_steps import ONE, SHA, THREE, came, listed, looked, pulled, started
from support.manager_world import GIB, HEADER, World


def test_what_is_fetched_is_of_the_commit_that_was_looked_at_and_has_the_listed_hash():
    world = World()
    pulled(world)
    looked(world, ONE)
    start = started(world)
    assert start.url == "https://huggingface.co/org/m/resolve/c1/m-Q4_K_M.gguf"
    assert (start.file_name, start.size_bytes, start.sha256) == ("m-Q4_K_M.gguf", 1000, SHA)


def test_what_it_needs_is_told_before_anything_is_fetched():
    world = World()
    pulled(world)
    read = listed(world, ONE)
    assert world.model("m").fits is None
    world.tell(facts.RemoteRead(lookup=read.lookup, header=HEADER, commit="c", disk_free=5 * GIB))
    fits = world.model("m").fits
    assert fits is not None and fits.verdict == "fits" and (fits.disk_bytes, fits.disk_free) == (1000, 5 * GIB)
    kinds = [type(e.event) if isinstance(e, effects.Publish) else type(e) for e in world.effects]
    assert kinds.index(events.ModelChanged) < kinds.index(effects.StartPull)


def test_a_disk_too_full_is_refused_with_numbers_and_nothing_is_fetched():
    world = World()
    pulled(world, wait=True)
    large = [RemoteFile(path="m-Q4_0.gguf", size_bytes=4 * GIB, sha256=SHA)]
    looked(world, large, disk_free=3 * GIB)
    assert not world.of(effects.StartPull)
    error = world.error()
    assert error.code is ErrorCode.DISK_FULL and "4.06 GiB" in error.message and "3.00 GiB" in error.message
    assert world.model("m").state is ModelState.ABSENT


def test_what_is_on_the_disk_already_needs_no_room():
    world = World()
    pulled(world)
    looked(world, [RemoteFile(path="m-Q4_0.gguf", size_bytes=4 * GIB)], disk_free=3 * GIB, taken=3 * GIB)
    assert started(world).file_name == "m-Q4_0.gguf"


def test_too_little_memory_is_no_reason_to_refuse():
    world = World()
    pulled(world)
    looked(world, [RemoteFile(path="m-Q4_0.gguf", size_bytes=90 * GIB)])
    assert started(world)
    fits = world.model("m").fits
    assert fits is not None and (fits.verdict, fits.max_context) == ("too_large", 0)


def test_parts_come_one_after_another_and_count_together():
    world = World()
    job = pulled(world)
    looked(world, THREE)
    for number in (1, 2, 3):
        start = started(world)
        assert (start.file_name, start.sha256) == (f"m-0000{number}-of-00003.gguf", str(number) * 64)
        world.tell(
            facts.PullAdvanced(job=job.id, run=start.run, done_bytes=50, total_bytes=999, phase=Phase.DOWNLOADING)
        )
        progress = world.job(job.id).progress
        assert (progress.done, progress.total) == (sum(100 * n for n in range(1, number)) + 50, 600)
        came(world, start, number, 3)
    model = world.model("m")
    assert (model.state, model.size_bytes, model.parts, model.verified) == (ModelState.ON_DISK, 600, 3, True)
    assert model.path == "/models/m-00001-of-00003.gguf"
    assert world.job(job.id).state is JobState.DONE


def test_a_part_of_another_model_ends_the_download():
    world = World()
    pulled(world)
    looked(world, THREE)
    came(world, started(world), 2, 3)
    failure = world.model("m").failure
    assert failure is not None and failure.code is ErrorCode.BAD_MODEL_FILE and not world.of(effects.StartPull)


def test_a_pause_that_comes_as_a_part_ends_is_kept():
    world = World()
    job = pulled(world)
    looked(world, THREE)
    start = started(world)
    world.ask(requests.Pause(id="2"))
    came(world, start, 1, 3)
    assert not world.of(effects.StartPull)
    assert world.job(job.id).state is JobState.PAUSED


def test_a_download_that_is_paused_while_it_looks_drops_what_comes_late():
    world = World()
    job = pulled(world)
    (listing,) = world.of(effects.ListRepository)
    world.ask(requests.Pause(id="2"))
    (stop,) = world.of(effects.StopPull)
    world.tell(facts.PullStopped(job=stop.job, run=listing.run))
    assert world.job(job.id).state is JobState.PAUSED
    world.tell(facts.RepositoryListed(lookup=listing.lookup, files=ONE))
    assert not world.effects


def test_a_pause_that_crosses_with_the_hubs_answer_is_kept():
    world = World()
    job = pulled(world)
    (listing,) = world.of(effects.ListRepository)
    world.ask(requests.Pause(id="2"))
    world.tell(facts.RepositoryListed(lookup=listing.lookup, files=ONE))
    assert not world.of(effects.ReadRemote) and world.job(job.id).state is JobState.PAUSED
    world.ask(requests.Resume(id="3"))
    looked(world, ONE)
    world.ask(requests.Cancel(id="4", job=job.id))
    assert world.of(effects.StopPull)


def test_the_daemon_ends_while_a_download_looks():
    world = World()
    job = pulled(world)
    (listing,) = world.of(effects.ListRepository)
    world.tell(facts.StopAsked())
    assert not world.manager.finished
    world.tell(facts.PullStopped(job=job.id, run=listing.run))
    assert world.manager.finished


def test_the_same_bytes_go_on_by_the_address_they_began_with():
    world = World()
    job = pulled(world)
    looked(world, ONE, commit="c1")
    start = started(world)
    world.ask(requests.Pause(id="2"))
    world.tell(facts.PullStopped(job=job.id, run=start.run))
    world.ask(requests.Resume(id="3"))
    looked(world, ONE, commit="c2")
    assert "/resolve/c1/" in started(world).url


def test_other_bytes_are_fetched_from_where_they_are():
    world = World()
    job = pulled(world)
    looked(world, ONE, commit="c1")
    start = started(world)
    world.ask(requests.Pause(id="2"))
    world.tell(facts.PullStopped(job=job.id, run=start.run))
    world.ask(requests.Resume(id="3"))
    looked(world, [RemoteFile(path="m-Q4_K_M.gguf", size_bytes=1001, sha256="b" * 64)], commit="c2")
    assert "/resolve/c2/" in started(world).url and started(world).sha256 == "b" * 64


def test_a_source_that_is_not_there_leaves_no_model_behind():
    world = World()
    pulled(world, wait=True)
    (listing,) = world.of(effects.ListRepository)
    missing = Failure(code=ErrorCode.NOT_FOUND, message="There is no repository.")
    world.tell(facts.LookupFailed(lookup=listing.lookup, failure=missing))
    assert world.error() == missing
    assert [event.model for event in world.events(events.ModelRemoved)] == ["m"]
    assert world.of(effects.ForgetModel) == [effects.ForgetModel(model="m")]


def test_a_model_that_was_added_by_hand_stays_and_says_why():
    world = World()
    world.ask(requests.Add(id="1", model="mine", source="hf:org/m"))
    world.tell(facts.FileInspected(model="mine", path=""))
    pulled(world, "mine")
    (listing,) = world.of(effects.ListRepository)
    missing = Failure(code=ErrorCode.NOT_FOUND, message="There is no repository.")
    world.tell(facts.LookupFailed(lookup=listing.lookup, failure=missing))
    assert world.model("mine").failure == missing


def test_the_same_source_is_the_same_model_and_another_of_its_name_gets_a_number():
    world = World()
    assert pulled(world, "hf:org/m").model == "m"
    world.ask(requests.Pull(id="2", model="hf:org/m"))
    world.ask(requests.Pull(id="3", model="hf:other/m"))
    models = [reply.result.jobs[0].model for reply in world.replies() if isinstance(reply.result, replies.Jobs)]
    assert models == ["m-2"]


def test_files_of_the_same_name_get_the_key_before_it():
    world = World()
    pulled(world, "hf:org/m")
    looked(world, ONE)
    assert started(world).file_name == "m-Q4_K_M.gguf"
    world.ask(requests.Pull(id="2", model="hf:other/m"))
    looked(world, ONE)
    assert started(world).file_name == "m-2--m-Q4_K_M.gguf"


def test_a_url_is_looked_at_only_for_who_asks():
    world = World(on_disk=())
    world.ask(requests.Pull(id="1", model="alpha"))
    assert world.of(effects.StartPull) and not world.of(effects.ReadRemote)
    world.ask(requests.Pull(id="2", model="beta", look=True))
    (read,) = world.of(effects.ReadRemote)
    world.tell(facts.RemoteRead(lookup=read.lookup, header=HEADER, size_bytes=1000, disk_free=GIB))
    assert started(world).url == "https://example.org/beta.gguf"
    assert world.model("beta").fits is not None


def test_a_shown_model_that_cannot_be_looked_at_is_shown_with_a_note():
    world = World(on_disk=())
    world.ask(requests.Show(id="1", model="alpha", look=True))
    (read,) = world.of(effects.ReadRemote)
    away = Failure(code=ErrorCode.UNREACHABLE, message="It is away.", hint="Wait.")
    world.tell(facts.LookupFailed(lookup=read.lookup, failure=away))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Model) and reply.result.note == "It is away. Wait."
    assert reply.result.notes == [away.note()]


def test_a_model_here_is_shown_with_what_fits_without_a_look():
    world = World()
    world.ask(requests.Show(id="1", model="alpha", look=True))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Model) and reply.result.model.fits is not None
