"""Where a URL says that the lake is, and what it takes to get there."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from flowservice.adapters.delta import Access, DeltaLake, Folder, ObjectStore, place_of, storage_at
from flowservice.errors import Invalid, LakeUnavailable
from tests.object_stores import Shelf

NO_ACCESS = Access()


@pytest.mark.parametrize("url", ["/data/my lake", "file:///data/my%20lake"])
def test_a_path_and_a_file_url_mean_a_folder(url: str) -> None:
    assert place_of(url) == Path("/data/my lake")
    assert storage_at(url, NO_ACCESS) == Folder(Path("/data/my lake"))


def test_a_relative_path_does_not_follow_the_process_to_another_folder() -> None:
    assert place_of("lake") == Path.cwd() / "lake"


@pytest.mark.parametrize(
    "url",
    [
        "az://container/path",
        "abfss://container@account.dfs.core.windows.net/path",
        "s3://bucket/path/",
    ],
)
def test_urls_of_stores_mean_themselves(url: str) -> None:
    access = Access(account="account", key_id="id", key=SecretStr("a2V5"), region="eu-central-1")
    storage = storage_at(url, access)
    assert isinstance(storage, ObjectStore)
    assert storage.url("s1/d1") == f"{url.rstrip('/')}/s1/d1"
    assert "a2V5" not in repr(storage)


@pytest.mark.parametrize(
    "url",
    ["gs://bucket", "ftp://host/x", "s3://", "az://lake?sig=hidden", "s3://id:hidden@bucket/x", "az://lake#hidden"],
)
def test_another_url_is_refused_and_what_it_may_hide_is_not_shown(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        storage_at(url, NO_ACCESS)
    assert refused.value.advice
    assert "hidden" not in f"{refused.value.message} {refused.value.advice}"


def test_settings_that_do_not_fit_together_are_told_without_the_key() -> None:
    with pytest.raises(Invalid, match="do not fit together") as refused:
        storage_at("az://lake", Access(account="account", key=SecretStr("not Base64: hidden")))
    assert "hidden" not in f"{refused.value.message} {refused.value.advice}"


def test_a_key_may_stand_in_the_variables_of_the_store_alone(
    azure_blobs: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, key = azure_blobs.new_url(), azure_blobs.settings["lake_key"].get_secret_value()
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c29tZSBvdGhlciBrZXk=")
    with pytest.raises(LakeUnavailable, match="refused the credentials"):
        azure_blobs.lake_at(url, lake_key=None).ping()
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", key)
    lake: DeltaLake = azure_blobs.lake_at(url, lake_key=None)
    lake.ping()
