alter table grid_size_band drop column document_number;
drop table policy_document;
