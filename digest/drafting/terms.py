"""Words of the trade in English and Chinese, so that one story is known in both.

No model and no service translates here: this is a table, and what is not in it is only met by
names, numbers and characters. One idea a line; English forms, then the Chinese ones of Taiwan,
Hong Kong and the mainland. Whether Chinese stands here in Traditional or Simplified makes no
difference, as both are folded.
"""

#: What happens. Two stories about one company are told apart by these.
DEEDS = """
launch, unveil, introduce, release, debut, roll out, announce | 發表 推出 發布 釋出 亮相 上線 揭曉
fund, raise, funding, financing, round, series, venture | 融資 募資 籌資 募得 領投 注資
valuation, valued | 估值
acquire, acquisition, buy, takeover, purchase | 收購 併購 買下
merge, merger | 合併
invest, investment | 投資 入股
sue, lawsuit, class action, litigation | 控告 提告 起訴 訴訟 告上
settle, settlement | 和解
rule, ruling, court, judge, verdict | 判決 裁定 法院 法官
fine, penalty | 罰款 裁罰 開罰
ban, prohibit, forbid | 禁止 禁令 封禁 停用
license, permit, approve, clear | 許可 核准 批准 放行
delay, postpone, slip, push back | 延後 推遲 延至 延期 延遲 押後
cancel, scrap, call off, axe | 取消 終止 作罷
pause, suspend, halt | 暫停 中止 叫停
lift, unblock | 解除 恢復 解封 解禁
reverse, back down, backtrack, withdraw, retract | 收回 撤回 撤銷 反悔
start construction, break ground | 動工 開工
deny, refute | 否認 駁斥 澄清
resign, leave, step down, depart | 離職 辭職 卸任 出走
hire, appoint, recruit, poach, name | 任命 延攬 挖角 聘請 出任
layoff, lay off, job cut, cut job | 裁員 裁撤 資遣
strike, walkout | 罷工
outage, downtime, disruption, down | 中斷 當機 宕機 故障 服務異常
breach, leak, leaked | 外洩 洩露 洩漏 泄露
vulnerability, flaw, cve, bug | 漏洞 弱點
attack, hack, hijack, exploit | 攻擊 入侵 駭 劫持
injection, inject | 注入
patch, fix | 修補 修復
update, upgrade | 更新 升級
price, pricing | 價格 定價 售價 降價 漲價 調價
cut, reduce, halve, lower | 降價 調降 下調 減半
ad, advertise, advertisement | 廣告
test, trial, pilot | 測試 試驗 試辦 開測
earning, revenue, sale, profit | 財報 營收 收入 獲利 財測
forecast, predict, expect | 預測 預估 預計 預報
ship, shipment, deliver | 出貨 供貨 交付 交貨
mass production, produce, production | 量產 投產 生產
partner, partnership, team up, collaborate | 合作 攜手 聯手
sign, deal, agreement, agree | 簽署 簽訂 協議 合約
open source, open weight, open sourced | 開源 開放權重 開放原始碼
vote, pass, parliament, legislature, lawmaker | 表決 投票 通過 三讀 議會 立法院 立院
guideline, guidance | 指引 指南 準則
regulate, regulation, regulator, act, law | 法規 監管 法案 條例 主管機關
investigate, probe, investigation | 調查
export | 出口
tariff | 關稅
recall | 召回
ipo, go public | 上市 掛牌 ipo
remember, memory feature | 記憶功能
declaration, statement | 宣言 聲明
summit, conference | 峰會 大會 高峰會
study, researcher, survey | 研究 論文
sign language | 手語
office | 辦公室 據點
"""

#: Who and where.
NAMES = """
nvidia | 輝達 英偉達
amd | 超微
intel | 英特爾
qualcomm | 高通
tsmc, taiwan semiconductor | 台積電 臺積電
mediatek | 聯發科
foxconn, hon hai | 鴻海 富士康
asml | 艾司摩爾 阿斯麥
arm | 安謀
samsung | 三星
sk hynix, hynix | 海力士
micron | 美光
apple | 蘋果
google | 谷歌
alphabet | 字母控股
microsoft | 微軟
amazon | 亞馬遜
oracle | 甲骨文
tesla | 特斯拉
meta | 元宇宙公司
alibaba | 阿里巴巴 阿里雲
tencent | 騰訊
baidu | 百度
bytedance | 字節跳動
huawei | 華為
xiaomi | 小米
deepseek | 深度求索
moonshot | 月之暗面
zhipu | 智譜
iflytek | 科大訊飛
ubtech | 優必選
softbank | 軟銀
fujitsu | 富士通
sony | 索尼
toyota | 豐田
siemens | 西門子
jensen huang | 黃仁勳
sam altman, altman | 奧特曼 阿特曼
elon musk, musk | 馬斯克
zuckerberg | 祖克柏 扎克伯格
nadella | 納德拉
pichai | 皮查伊
lecun | 楊立昆
hinton | 辛頓
hassabis | 哈薩比斯
eu, european union, european, europe | 歐盟 歐洲
european commission, commission | 歐盟執委會 執委會 歐盟委員會
european parliament | 歐洲議會
us, united states, u.s, america, american | 美國
china, chinese | 中國 中美
japan, japanese | 日本
korea, south korea, korean | 南韓 韓國
taiwan | 台灣 臺灣
uk, britain, british | 英國
india | 印度
germany, german | 德國
france, french | 法國
singapore | 新加坡
tokyo | 東京
kyoto | 京都
beijing | 北京
shanghai | 上海
shenzhen | 深圳
hong kong | 香港
new delhi, delhi | 新德里
california | 加州 加利福尼亞
san francisco | 舊金山
arizona | 亞利桑那
illinois | 伊利諾州 伊利諾伊
commerce department | 商務部
national science and technology council, nstc | 國科會
ministry of digital affairs | 數位發展部 數發部
canada, canadian | 加拿大
mexico | 墨西哥
brazil, brazilian | 巴西
argentina | 阿根廷
chile | 智利
spain, spanish | 西班牙
portugal | 葡萄牙
italy, italian | 義大利 意大利
netherlands, dutch | 荷蘭
belgium | 比利時
switzerland, swiss | 瑞士
austria | 奧地利
poland, polish | 波蘭
ukraine | 烏克蘭
russia, russian | 俄羅斯
sweden, swedish | 瑞典
norway, norwegian | 挪威
denmark, danish | 丹麥
finland, finnish | 芬蘭
iceland | 冰島
ireland, irish | 愛爾蘭
greece, greek | 希臘
turkey, turkish | 土耳其
israel, israeli | 以色列
saudi arabia, saudi | 沙烏地阿拉伯 沙特
uae, united arab emirates, emirati | 阿聯 阿聯酋
egypt | 埃及
kenya, kenyan | 肯亞 肯尼亞
nigeria | 奈及利亞 尼日利亞
south africa | 南非
australia, australian | 澳洲 澳大利亞
new zealand | 紐西蘭 新西蘭
vietnam, vietnamese | 越南
thailand, thai | 泰國
malaysia, malaysian | 馬來西亞 馬國
indonesia | 印尼
philippines | 菲律賓
vatican | 梵蒂岡
london | 倫敦
paris | 巴黎
berlin | 柏林
munich | 慕尼黑
amsterdam | 阿姆斯特丹
rotterdam | 鹿特丹
brussels | 布魯塞爾
zurich, zürich | 蘇黎世
geneva | 日內瓦
stockholm | 斯德哥爾摩
madrid | 馬德里
rome | 羅馬
dubai | 杜拜 迪拜
bangkok | 曼谷
kuala lumpur | 吉隆坡
jakarta | 雅加達
seoul | 首爾
osaka | 大阪
taipei | 台北 臺北
hsinchu | 新竹
tainan | 台南 臺南
hangzhou | 杭州
guangzhou | 廣州
sydney | 雪梨 悉尼
toronto | 多倫多
montreal | 蒙特婁 蒙特利爾
new york | 紐約
washington | 華盛頓
boston | 波士頓
seattle | 西雅圖
chicago | 芝加哥
los angeles | 洛杉磯
texas | 德州 得克薩斯
dallas | 達拉斯
houston | 休士頓 休斯敦
ohio | 俄亥俄
virginia | 維吉尼亞 弗吉尼亞
oregon | 奧勒岡 俄勒岡
florida | 佛州 佛羅里達
stanford | 史丹佛 史丹福 斯坦福
harvard | 哈佛
mit | 麻省理工
eth | 聯邦理工
oxford | 牛津
cambridge | 劍橋
tsinghua | 清華
ftc | 聯邦貿易委員會
fda | 食品藥物管理局 食藥署
white house | 白宮
pentagon | 五角大廈 五角大樓
congress | 國會
supreme court | 最高法院
cyberspace administration, cac | 網信辦
united nations | 聯合國
world health organization | 世界衛生組織 世衛
nasa | 航太總署 航天局
nato | 北約
world bank | 世界銀行
mastercard | 萬事達
volkswagen | 福斯 大眾汽車
mercedes, mercedes-benz | 賓士 奔馳
hyundai | 現代汽車
honda | 本田
nissan | 日產
disney | 迪士尼
netflix | 網飛
walmart | 沃爾瑪
ikea | 宜家
jd | 京東
meituan | 美團
didi | 滴滴
byd | 比亞迪
zte | 中興通訊
smic | 中芯
asus | 華碩
acer | 宏碁
quanta | 廣達
wistron | 緯創
ase | 日月光
kioxia | 鎧俠
trump | 川普 特朗普
biden | 拜登
xi jinping | 習近平
andrew ng | 吳恩達
galileo | 伽利略
einstein | 愛因斯坦
turing | 圖靈
"""

#: What it is about.
THINGS = """
artificial intelligence, ai | 人工智慧 人工智能
model | 模型
language model, llm | 語言模型
data center, data centre | 資料中心 數據中心
chip, semiconductor | 晶片 芯片 半導體
gpu, graphics card | 顯示卡 顯卡
memory | 記憶體 內存 顯存
cloud | 雲端 雲計算 雲服務
training, train, trained | 訓練
fine tune, fine tuning | 微調
inference | 推論 推理
throughput | 吞吐量
parameter | 參數
token | 詞元
context, context window | 上下文
agent | 代理 智能體
robot, robotic | 機器人
humanoid | 人形
autonomous, robotaxi, self driving | 自駕 自動駕駛 無人計程車
speech, voice | 語音
video | 影片 視頻 影像
image, photo | 圖像 圖片
browser | 瀏覽器
search | 搜尋 搜索
benchmark | 基準 評測
dataset | 資料集 數據集
vector database | 向量資料庫 向量數據庫
database | 資料庫 數據庫
world model | 世界模型
attention | 注意力
sparse | 稀疏
diffusion | 擴散
reasoning | 推理
translation, translate | 翻譯
weather | 天氣 氣象
cyclone, typhoon | 颱風 氣旋 颶風
nuclear | 核電 核能
power, electricity, energy | 電力 用電 能源 供電
hospital | 醫院
school, student | 學校 學生
university | 大學
copyright | 著作權 版權 侵權
author, writer | 作家 作者
book | 書
photographer | 攝影師
privacy | 隱私 個資
security | 資安 安全
password | 密碼 驗證碼
startup | 新創 創業公司 初創
union | 工會
fund | 基金
government | 政府
high risk | 高風險
risk | 風險
basic act, basic law | 基本法
satellite | 衛星
orbit, orbital, space | 軌道 升空 太空
phone, smartphone | 手機
device, hardware | 裝置 設備 硬體
glasses | 眼鏡
dialect | 方言
question | 題
weight | 權重
certificate | 憑證 證書
subsidy, grant | 補助 補貼
first quarter | 第一季 第一季度
second quarter | 第二季 第二季度
third quarter | 第三季 第三季度
fourth quarter | 第四季 第四季度
quarter, quarterly | 季度 本季
ban on homework, homework | 作業
car, vehicle | 車企 汽車
billing, subscription | 訂閱
manuscript | 手稿
library | 圖書館
museum | 博物館
ship, vessel, freight | 船舶 貨運 貨輪
truck | 卡車 貨車
driver | 司機 駕駛
teacher | 教師 老師
patient | 病患 患者 病人
doctor, physician | 醫師 醫生
drug, medicine | 藥物 新藥
minor, child, teen | 未成年 兒童 青少年
companion | 陪伴 擬人化
rule | 辦法 規則 規範
app | 應用程式 應用
notes, note | 筆記
meeting | 會議
agency, agencies | 機關
worker, staff, employee | 員工 工人
supermarket, grocer | 超市
insurance, insurer | 保險
earthquake, seismic | 地震
geothermal | 地熱
solar | 太陽能
language | 語言
music | 音樂
game | 遊戲
newspaper, news, media | 媒體 新聞
kernel | 核心 內核
encryption | 加密
"""

#: Deeds whose being there or not makes another story of the same words.
TURNS = ("deny", "cancel", "delay", "pause", "lift", "reverse")

#: English words that carry nothing.
EMPTY = """
a an and are as at be been but by can for from has have he her his how if in into is it its may more
most new no not now of on one or our out over own s said say says she so than that the their them
then there these they this those to up us was we were what when where which while who why will with
would you your via per about after all also before such some
"""

MONTHS = """
january february march april may june july august september october november december
jan feb mar apr jun jul aug sep sept oct nov dec
"""

#: Numbers in words, from 0 on.
NUMBERS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""

#: What stands behind a model's number and makes another model of it.
VARIANTS = """
pro flash mini nano ultra max lite plus turbo opus sonnet haiku small medium large base instruct
coder vision preview thinking air edge
"""
