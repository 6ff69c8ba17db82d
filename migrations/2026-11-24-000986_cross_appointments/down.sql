drop table cross_appointment;
