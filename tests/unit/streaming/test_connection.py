"""What is wrong with a broker, its properties or topics is one sentence, before the first packet."""

import pytest

pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

from stampshift.core.errors import ConfigError
from stampshift.streaming import connection
from stampshift.streaming.connection import check_topics, connect, read_properties, settings_of


def test_properties_are_those_of_kcats_files(tmp_path):
    path = tmp_path / "kafka.conf"
    path.write_text("# a comment\n\nsecurity.protocol = SASL_SSL\nsasl.password=a=b\n")
    assert read_properties(path) == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}
    settings = settings_of("host:9092", path)
    assert settings["bootstrap.servers"] == "host:9092"
    assert settings["sasl.password"] == "a=b"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("secret", "line 2: expected name=value."),
        ("enable.auto.commit=true", "line 2: sets enable.auto.commit, which the command sets itself."),
    ],
)
def test_a_wrong_property_is_named_by_its_line_without_what_it_says(tmp_path, line, said):
    path = tmp_path / "kafka.conf"
    path.write_text(f"# a comment\n{line}\n")
    with pytest.raises(ConfigError) as error:
        read_properties(path)
    assert str(error.value) == f"{path}, {said}"


def test_a_file_of_properties_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_properties(tmp_path / "none")


def test_a_stream_does_not_read_what_it_writes():
    check_topics(["ztf", "^ztf_.*"], ["scores", "scores-dead-letters"])
    for topic in ("scores", "^sc.*"):
        with pytest.raises(ConfigError, match="which the stream writes"):
            check_topics([topic], ["scores", "letters"])
    with pytest.raises(ConfigError, match="expected a regular expression"):
        check_topics(["^("], ["scores"])


def test_no_broker_is_one_sentence(monkeypatch):
    monkeypatch.setattr(connection, "SECONDS", 0.2)
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1: no broker answered"):
        connect(settings_of("127.0.0.1:1", None), topics=["scores"])


def test_a_property_that_librdkafka_does_not_know_is_one_sentence():
    with pytest.raises(ConfigError, match=r'is wrong: No such configuration property: "sasl\.pasword"'):
        connect(settings_of("127.0.0.1:1", None) | {"sasl.pasword": "x"}, topics=["scores"])
