-- Other stores of the same city are found without reading all stores.
CREATE INDEX master_data_city ON master_data ((record #> '{versions,-1,content,city}'), key)
    WHERE topic = 'aftersales.management.store.v1';
