drop table property_company;
drop function is_credit_code;
