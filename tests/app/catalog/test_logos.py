import pytest


def test_a_logo_is_served_as_an_inert_picture(client):
    response = client.get("/logos/openrouter.svg")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.data.startswith(b"<svg")


@pytest.mark.parametrize(
    "name",
    [
        "nope.svg",
        "..%2fmodels.py",
        "%2e%2e%2fdata%2fintegrations.json",
        ".svg",
        "tool.SVG",
        "tool.svg%00",
        "x.py",
    ],
)
def test_nothing_but_a_logo_leaves_the_folder(client, name):
    response = client.get(f"/logos/{name}")
    assert (response.status_code, response.json) == (404, {"message": "Not found"})
