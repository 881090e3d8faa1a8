"""A person signs in at the desk by Keycloak, with a browser, and what is no sign-in is refused."""

from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.async_api import Error, Page, async_playwright

from shared.settings import DESK
from tests.cluster.deployment import Deployment
from tests.cluster.keycloak import OPERATOR, Administrator, People, person
from tests.support.desk import CHROMIUM, FLAGS, SCREENSHOTS
from tests.support.polling import until

ADVISOR = "S01-advisor-1"
STAFF_OPERATOR = "operator-1"

_STORE = "/stores/S01/**"
_GROUP = "/group"
_ENDED_S = 20.0
_TIMEOUT_MS = 60_000

Faults = list[str]


async def faults_of_sign_in(deployment: Deployment, keycloak: Administrator) -> Faults:
    """Return what is wrong with the ways in, none of them should be."""
    return [
        *await _in_the_browser(deployment, keycloak),
        *await _at_the_issuer(deployment.people),
        *await _at_a_service(deployment, keycloak),
        *await _let_in_and_shut_out(deployment),
    ]


async def _in_the_browser(deployment: Deployment, keycloak: Administrator) -> Faults:
    """Let an advisor and the first operator sign in, and the advisor sign out again."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        pages = [
            await (await browser.new_context(locale="zh-CN")).new_page()
            for _ in (ADVISOR, OPERATOR)
        ]
        try:
            return [
                *await _advisor(pages[0], deployment, keycloak),
                *await _first_operator(pages[1], deployment),
            ]
        except Error as error:
            for number, page in enumerate(pages):
                await page.screenshot(path=SCREENSHOTS / f"keycloak-{number}-failed.png")
            return [f"the browser waits at {[page.url for page in pages]}: {error.message}"]
        finally:
            await browser.close()


async def _advisor(page: Page, deployment: Deployment, keycloak: Administrator) -> Faults:
    asked = _questions(page)
    await _sign_in(page, deployment, ADVISOR)
    await page.wait_for_url(f"{deployment.url(DESK)}{_STORE}")
    shown = await page.locator(".person-name").inner_text()
    await page.screenshot(path=SCREENSHOTS / "keycloak-store.png")
    home = urlsplit(page.url).path
    elsewhere = [
        await _page_of(page, deployment, name, home) for name in deployment.running([DESK])
    ]
    had = await keycloak.sessions_of(ADVISOR.lower())
    await page.get_by_test_id("sign-out").click()
    await page.wait_for_url("**/sign-in")
    ended = await until(lambda: _has_no_session(keycloak), _ENDED_S)
    await page.goto(f"{deployment.url(DESK)}{home}")
    [question] = [parse_qs(urlsplit(each).query) for each in asked[:1]] or [{}]
    return _faults(
        (question.get("response_type") == ["code"], f"no code was asked for: {asked}"),
        (question.get("code_challenge_method") == ["S256"], f"no PKCE by S256: {asked}"),
        (len(question.get("code_challenge", [""])[0]) == 43, f"no challenge of SHA-256: {asked}"),
        (shown == "何强", f"the desk knows the advisor as {shown}"),
        (all(each == home for each in elsewhere), f"desks show the session at {elsewhere}"),
        (had == 1, f"{had} sessions at the issuer while signed in"),
        (ended, "the session at the issuer outlives the sign-out"),
        ("/sign-in" in page.url, f"signed out, and still at {page.url}"),
    )


async def _page_of(page: Page, deployment: Deployment, desk: str, path: str) -> str:
    """Return where an instance of the desk leads the browser that asks for a page."""
    await page.goto(f"http://localhost:{deployment.processes[desk].port}{path}")
    return urlsplit(page.url).path


async def _first_operator(page: Page, deployment: Deployment) -> Faults:
    """Let the user sign in whose roles and stores the issuer names."""
    await _sign_in(page, deployment, OPERATOR)
    await page.wait_for_url(f"{deployment.url(DESK)}{_GROUP}")
    entries = await page.locator(".menu .menu-item").count()
    await page.screenshot(path=SCREENSHOTS / "keycloak-operator.png")
    return _faults((entries > 0, "the first operator has no pages"))


async def _sign_in(page: Page, deployment: Deployment, subject: str) -> None:
    page.set_default_timeout(_TIMEOUT_MS)
    await page.goto(f"{deployment.url(DESK)}/sign-in")
    await page.locator("a.button-main").click()
    await page.locator("#username").fill(subject.lower())
    await page.locator("#password").fill(deployment.people.passwords[subject])
    await page.screenshot(path=SCREENSHOTS / "keycloak-sign-in.png")
    await page.locator("#kc-login").click()


def _questions(page: Page) -> list[str]:
    """Return the list to which the browser's questions to the issuer are added."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: (
            asked.append(request.url)
            if request.url.partition("?")[0].endswith("/openid-connect/auth")
            else None
        ),
    )
    return asked


async def _has_no_session(keycloak: Administrator) -> bool:
    return await keycloak.sessions_of(ADVISOR.lower()) == 0


async def _at_the_issuer(people: People) -> Faults:
    """Ask the issuer in ways that it has to refuse."""
    challenge = "a" * 43
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        bare = await client.get(people.question())
        plain = await client.get(
            people.question(code_challenge=challenge, code_challenge_method="plain")
        )
        abroad = await client.get(
            people.question(
                code_challenge=challenge,
                code_challenge_method="S256",
                redirect_uri="https://elsewhere.example/",
            )
        )
        direct = await client.post(
            f"{people.realm}/protocol/openid-connect/token",
            data={
                "grant_type": "password",
                "client_id": "aftersales-desk",
                "username": ADVISOR.lower(),
                "password": people.passwords[ADVISOR],
            },
        )
    return _faults(
        *(
            ("error=invalid_request" in each.headers.get("location", ""), f"{how}: {each.headers}")
            for how, each in (("a sign-in without PKCE", bare), ("one by plain PKCE", plain))
        ),
        (abroad.status_code == 400, f"a foreign address is led back to: {abroad.status_code}"),
        (direct.status_code in {400, 401, 403}, f"a password gives a token: {direct.status_code}"),
    )


async def _at_a_service(deployment: Deployment, keycloak: Administrator) -> Faults:
    """Show reception tokens of the issuer, the advisor's own last."""
    url = f"{deployment.url('reception')}/stores/S01/orders?status=opened"
    seen: dict[str, tuple[int, str]] = {}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for whose, token in {
            "another audience": await keycloak.token_for_others(),
            "another realm": await keycloak.token(),
            "the advisor": await deployment.people.token(ADVISOR),
        }.items():
            response = await client.get(url, headers={"Authorization": f"Bearer {token}"})
            seen[whose] = response.status_code, response.text
    return _faults(
        (
            seen["another audience"][0] == 401 and "audience" in seen["another audience"][1],
            f"a token for another audience: {seen['another audience']}",
        ),
        (seen["another realm"][0] == 401, f"a token of another realm: {seen['another realm']}"),
        (seen["the advisor"][0] == 200, f"the advisor's own token: {seen['the advisor']}"),
    )


async def _let_in_and_shut_out(deployment: Deployment) -> Faults:
    """Let the operator of the staff records in by the script of compose, and shut them out."""
    await deployment.person_in(STAFF_OPERATOR)
    token = await deployment.people.token(STAFF_OPERATOR)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        roles = await client.get(
            f"{deployment.url('management')}/own-roles",
            headers={"Authorization": f"Bearer {token}"},
        )
    said = await person(deployment.composition, "shut-out", STAFF_OPERATOR)
    people = deployment.people
    elsewhere = People(people.realm, people.back, people.passwords)
    try:
        await elsewhere.token(STAFF_OPERATOR)
        outcome = "signs in"
    except RuntimeError:
        outcome = "is refused"
    return _faults(
        (roles.is_success and roles.json()["roles"] == ["operator"], f"the post: {roles.text}"),
        (outcome == "is refused", f"who is shut out {outcome}: {said}"),
    )


def _faults(*expected: tuple[bool, str]) -> Faults:
    return [said for holds, said in expected if not holds]
