"""Words from which a simulated group is made."""

SURNAMES = (
    ("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"),
    ("赵", "Zhao"), ("黄", "Huang"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"),
    ("胡", "Hu"), ("朱", "Zhu"), ("高", "Gao"), ("林", "Lin"), ("何", "He"), ("郭", "Guo"),
    ("马", "Ma"), ("罗", "Luo"), ("梁", "Liang"), ("宋", "Song"), ("郑", "Zheng"), ("谢", "Xie"),
    ("韩", "Han"), ("唐", "Tang"), ("冯", "Feng"), ("于", "Yu"), ("董", "Dong"), ("萧", "Xiao"),
    ("程", "Cheng"), ("曹", "Cao"), ("袁", "Yuan"), ("邓", "Deng"), ("许", "Xu"), ("傅", "Fu"),
    ("沈", "Shen"), ("曾", "Zeng"), ("彭", "Peng"), ("吕", "Lü"),
)  # fmt: skip

GIVEN_NAMES = (
    ("静", "Jing"), ("伟", "Wei"), ("敏", "Min"), ("强", "Qiang"), ("丽", "Li"), ("磊", "Lei"),
    ("洋", "Yang"), ("艳", "Yan"), ("勇", "Yong"), ("军", "Jun"), ("杰", "Jie"), ("娟", "Juan"),
    ("涛", "Tao"), ("明", "Ming"), ("超", "Chao"), ("霞", "Xia"), ("平", "Ping"), ("刚", "Gang"),
    ("桂英", "Guiying"), ("建华", "Jianhua"), ("晓东", "Xiaodong"), ("志强", "Zhiqiang"),
    ("海燕", "Haiyan"), ("文博", "Wenbo"), ("雨桐", "Yutong"), ("子轩", "Zixuan"),
    ("佳怡", "Jiayi"), ("俊杰", "Junjie"), ("欣悦", "Xinyue"), ("国庆", "Guoqing"),
)  # fmt: skip

CITIES = (
    ("北京", "Beijing"), ("天津", "Tianjin"), ("广州", "Guangzhou"), ("武汉", "Wuhan"),
    ("南京", "Nanjing"), ("西安", "Xi'an"), ("重庆", "Chongqing"), ("长沙", "Changsha"),
    ("青岛", "Qingdao"), ("宁波", "Ningbo"), ("厦门", "Xiamen"), ("合肥", "Hefei"),
    ("济南", "Jinan"), ("福州", "Fuzhou"), ("昆明", "Kunming"), ("沈阳", "Shenyang"),
    ("大连", "Dalian"), ("无锡", "Wuxi"), ("佛山", "Foshan"), ("东莞", "Dongguan"),
)  # fmt: skip

DISTRICTS = (
    ("城东", "East"), ("城西", "West"), ("城南", "South"), ("城北", "North"),
    ("新区", "New District"), ("机场", "Airport"), ("高铁站", "Railway Station"),
)  # fmt: skip

BRANDS = (("启岳", "Qiyue"), ("晨风", "Chenfeng"), ("星驰", "Xingchi"))
