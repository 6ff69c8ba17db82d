drop table property_project;
