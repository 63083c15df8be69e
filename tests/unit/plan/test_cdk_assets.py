"""The manifest that CDK writes beside a template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.plan import cdk_assets, reader, resolved_stacks
from preflight.plan.cdk_assets import CdkAssets, FileAsset, ImageAsset
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates.template import load


def assets(folder: Path, **manifest: Any) -> CdkAssets:
    (folder / "Web.assets.json").write_text(json.dumps(manifest), encoding="utf-8")
    return cdk_assets.of_template(folder / "Web.template.json", region="eu-west-1", account="123456789012")


def file_asset(path: str, **source: str) -> dict[str, Any]:
    place = {"bucketName": "cdk-assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "1f.json"}
    return {"source": {"path": path, **source}, "destinations": {"here": place}}


def image_asset(**source: Any) -> dict[str, Any]:
    return {"source": source, "destinations": {"here": {"repositoryName": "assets-${AWS::Region}", "imageTag": "2e"}}}


def test_a_template_without_a_manifest_has_no_assets(tmp_path: Path) -> None:
    assert cdk_assets.of_template(tmp_path / "Web.template.json", region="eu-west-1", account="1") == CdkAssets()


def test_a_file_is_expected_in_the_bucket_of_account_and_region(tmp_path: Path) -> None:
    (tmp_path / "Inner.template.json").write_text("{}", encoding="utf-8")

    files = assets(tmp_path, files={"1f": file_asset("Inner.template.json")}).files

    assert files == (FileAsset(tmp_path / "Inner.template.json", "cdk-assets-123456789012-eu-west-1", "1f.json"),)


def test_a_folder_that_becomes_an_archive_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()

    assert assets(tmp_path, files={"1f": file_asset("code", packaging="zip")}).files == ()


def test_an_image_has_its_folder_and_its_platform(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()

    images = assets(tmp_path, dockerImages={"2e": image_asset(directory="web", platform="linux/arm64")}).images

    assert images == (ImageAsset(tmp_path / "web", "assets-eu-west-1", "2e", "linux/arm64"),)


def test_an_image_that_needs_secrets_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()

    assert assets(tmp_path, dockerImages={"2e": image_asset(directory="web", dockerBuildSecrets={"a": "b"})}).images == ()


@pytest.mark.parametrize("path", ["../outside.template.json", "/etc/hostname", "missing.template.json"])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "cdk.out"
    folder.mkdir()
    (tmp_path / "outside.template.json").write_text("{}", encoding="utf-8")

    with pytest.raises(UsageError, match=path.rpartition("/")[2]):
        assets(folder, files={"1f": file_asset(path)})


@pytest.mark.parametrize("text", ["[]", "{", '{"files": {"1f": {}}}', '{"files": []}', '{"files": {"1f": 1}}', '{"files": {"1f": {"source": {"path": 3}}}}'])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "Web.assets.json").write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=r"it is not a manifest of the CDK"):
        cdk_assets.of_template(tmp_path / "Web.template.json", region="eu-west-1", account="1")


def test_the_templates_of_nested_stacks_are_known_by_their_hash(tmp_path: Path) -> None:
    (tmp_path / "Inner.template.json").write_text("{}", encoding="utf-8")
    assets(tmp_path, files={"1f": file_asset("Inner.template.json")})

    assert cdk_assets.nested_templates([tmp_path / "Web.template.json"]) == {"1f.json": tmp_path / "Inner.template.json"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The folder of a stack that CDK nests another one in."""
    url = {"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::Region"}, ".amazonaws.com/cdk-assets/1f.json"]]}
    web = {"Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}}
    inner = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    for name, template in {"Web": web, "Inner": inner}.items():
        (tmp_path / f"{name}.template.json").write_text(json.dumps(template), encoding="utf-8")
    assets(tmp_path, files={"1f": file_asset("Inner.template.json")})
    return tmp_path


def nesting(every: ResolvedStacks) -> dict[str, str | None]:
    return {document.path.name: document.parent.path.name if document.parent else None for document in every.documents}


def test_a_template_nests_what_cdk_publishes_for_it(app: Path) -> None:
    templates = {path: load(path) for path in app.glob("*.template.json")}

    assert nesting(resolved_stacks.of_templates(templates))["Inner.template.json"] == "Web.template.json"


def test_a_plan_nests_what_cdk_publishes_for_its_stacks(app: Path) -> None:
    (app / "preflight.yaml").write_text('version: 1\nname: app\nregion: eu-west-1\nsteps: [{stack: "{prefix}", template: Web.template.json}]\n', encoding="utf-8")
    plan = reader.load(app / "preflight.yaml")

    every = resolved_stacks.of_plan(plan, {path: load(path) for path in plan.template_files()}, run="1")

    assert nesting(every)["Inner.template.json"] == "Web.template.json"
