drop table party_membership;
