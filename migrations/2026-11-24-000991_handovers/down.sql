drop table compound_handover;
