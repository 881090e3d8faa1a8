"""Workshop of store S01 as reception sees it through events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.workshop import (
    AdditionalWorkRecommended,
    JobAssigned,
    JobFinished,
    JobStarted,
    VehicleReady,
)
from tests.support.harness import Publisher

TECHNICIAN = "S01-technician-1"


@dataclass
class WorkshopEvents:
    """Publisher of the workshop's events about orders."""

    publisher: Publisher
    at: datetime

    async def planned(self, order_id: str, *op_codes: str, hours: float = 0.6) -> None:
        """Publish a job for each operation."""
        await self.publisher.publish(
            *(
                JobAssigned(
                    store_id="S01",
                    order_id=order_id,
                    job_id=f"{order_id}/{operation}",
                    op_code=operation,
                    standard_hours=hours,
                    technician_ids=(TECHNICIAN,),
                    bay_id="S01-quick-1",
                    planned_start_at=self.at,
                    planned_finish_at=self.at + timedelta(hours=1),
                    promisable_at=self.at + timedelta(hours=1, minutes=20),
                    reason="promised",
                )
                for operation in op_codes
            ),
            at=self.at,
        )

    async def found(
        self, order_id: str, work_id: str, op_codes: Sequence[str], parts: Sequence[str] = ()
    ) -> None:
        """Publish additional work recommended by a technician."""
        event = AdditionalWorkRecommended(
            store_id="S01",
            order_id=order_id,
            additional_work_id=work_id,
            job_id=f"{order_id}/MNT-001",
            op_codes=tuple(op_codes),
            part_numbers=tuple(parts),
            recommended_by=TECHNICIAN,
            recommended_at=self.at,
        )
        await self.publisher.publish(event, at=self.at)

    async def started(self, order_id: str, operation: str) -> None:
        event = JobStarted(
            store_id="S01",
            order_id=order_id,
            job_id=f"{order_id}/{operation}",
            technician_ids=(TECHNICIAN,),
            started_at=self.at,
        )
        await self.publisher.publish(event, at=self.at)

    async def finished(self, order_id: str, *op_codes: str) -> None:
        """Publish that each operation is done, and the vehicle ready as far as the workshop
        knows.
        """
        done = (
            JobFinished(
                store_id="S01",
                order_id=order_id,
                job_id=f"{order_id}/{operation}",
                technician_ids=(TECHNICIAN,),
                standard_hours=0.6,
                clocked_s=1800,
                finished_at=self.at,
            )
            for operation in op_codes
        )
        ready = VehicleReady(store_id="S01", order_id=order_id, ready_at=self.at)
        await self.publisher.publish(*done, ready, at=self.at)
