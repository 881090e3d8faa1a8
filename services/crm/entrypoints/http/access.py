"""Roles that may call each route, and dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Query, Request

from services.crm.application.deps import Deps
from shared.commands import CommandContext, accept_command
from shared.posts import CallersPosts
from shared.security import (
    CUSTOMER_CARE,
    FRONT_OFFICE,
    LEGAL,
    RIGHTS,
    Principal,
    Role,
    require_roles,
)

GROUP_CARE: tuple[Role, ...] = ("group_customer_care_manager", "group_manager")
"""Roles of the group to which complaints go up."""

_DEPARTMENTS: tuple[Role, ...] = (
    *FRONT_OFFICE,
    "dispatcher",
    "technician",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
)
"""Roles of a store of which something may be asked."""

FrontOfficeCommand = Annotated[CommandContext, Depends(accept_command(*FRONT_OFFICE, "system"))]
CallerCommand = Annotated[CommandContext, Depends(accept_command(*CUSTOMER_CARE))]
FrontOfficePersonCommand = Annotated[CommandContext, Depends(accept_command(*FRONT_OFFICE))]
SalesCommand = Annotated[CommandContext, Depends(accept_command("sales_manager"))]
Reader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE))]
NameReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "claims_clerk", "cashier"))]
VehicleReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "claims_clerk"))]
ReferenceReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "system"))]
MessageReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "system"))]
LeadReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "sales_manager"))]
CallReader = Annotated[Principal, Depends(require_roles(*CUSTOMER_CARE))]

CampaignCommand = Annotated[
    CommandContext, Depends(accept_command("customer_care_manager", "service_manager"))
]

_ASSIGNING = ("customer_care_manager", "service_manager")

AssignmentCommand = Annotated[CommandContext, Depends(accept_command(*_ASSIGNING))]
AssignmentReader = Annotated[Principal, Depends(require_roles(*_ASSIGNING))]
_MERGING = ("customer_care_manager", "service_manager")

MergeCommand = Annotated[CommandContext, Depends(accept_command(*_MERGING))]
DuplicateReader = Annotated[Principal, Depends(require_roles(*_MERGING))]
SurveyReader = Annotated[
    Principal,
    Depends(
        require_roles(
            *CUSTOMER_CARE, "group_customer_care_manager", "group_service_manager", "group_manager"
        )
    ),
]

ComplaintCommand = Annotated[CommandContext, Depends(accept_command(*FRONT_OFFICE, *GROUP_CARE))]
CareCommand = Annotated[CommandContext, Depends(accept_command(*CUSTOMER_CARE, *GROUP_CARE))]
ComplaintReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, *GROUP_CARE))]
DepartmentCommand = Annotated[CommandContext, Depends(accept_command(*_DEPARTMENTS))]
DepartmentReader = Annotated[Principal, Depends(require_roles(*_DEPARTMENTS))]

RightsReader = Annotated[Principal, Depends(require_roles(*RIGHTS))]
RightsCommand = Annotated[CommandContext, Depends(accept_command(*RIGHTS))]

ErasureReader = Annotated[Principal, Depends(require_roles(*RIGHTS, *LEGAL))]
LegalReader = Annotated[Principal, Depends(require_roles(*LEGAL))]

GroupReader = Annotated[Principal, Depends(require_roles(*GROUP_CARE))]


After = Annotated[
    str | None,
    Query(
        max_length=140,
        pattern=r"^\d{4}-\d{2}-\d{2}~[!-~]{1,120}$",
        description="next_page of the page before",
    ),
]
"""Place in a list by day and id after which a page begins."""


TimelinePage = Annotated[
    str | None,
    Query(
        max_length=180,
        pattern=r"^[0-9]{1,16}~[!-~]{1,120}$",
        description="next_page of the page before",
    ),
]
"""Place in a timeline by time and id after which a page begins."""


class StoresInSight:
    """The store of a request, and others in which its caller talks to customers."""

    def __init__(self, request: Request, store_id: str) -> None:
        self._request, self._store_id = request, store_id

    async def __call__(self) -> frozenset[str]:
        principal: Principal = self._request.state.principal
        posts: CallersPosts = self._request.app.state.service.callers_posts
        return await posts.stores_of(principal, FRONT_OFFICE) | {self._store_id}


SeenStores = Annotated[StoresInSight, Depends()]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""
