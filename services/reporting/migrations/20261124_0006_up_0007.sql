-- What is only counted, or compared with an order's opening, is read from the log itself.
CREATE INDEX event_log_counted ON event_log (store_id, type, time)
    WHERE type IN ('aftersales.workshop.QualityInspectionPassed.v1',
                   'aftersales.workshop.QualityInspectionFailed.v1',
                   'aftersales.workshop.DiagnosisRecorded.v1',
                   'aftersales.workshop.VehicleReady.v1',
                   'aftersales.workshop.ComebackLinked.v1',
                   'aftersales.reception.WarrantyClaimSubmitted.v1',
                   'aftersales.reception.WarrantyClaimSettled.v1',
                   'aftersales.reception.WarrantyClaimOverdue.v1',
                   'aftersales.reception.FacilityCheckCompleted.v1',
                   'aftersales.crm.CustomerNotified.v1');
