drop table governance_body;
