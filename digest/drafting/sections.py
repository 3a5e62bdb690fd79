"""What the sections of a daily are about, in the words their topics use.

A desk names its sections as it likes. `profile_of` finds what a title stands for by the words in
it; a section that this table does not know is about the words of its own title.
"""

from __future__ import annotations

import re
from functools import cache

from digest.drafting.words import fold_text, tokens_of

#: Kind of section → words its titles have, words its topics have. The first kind whose word stands
#: in a title is the one, so the more particular come first.
PROFILES: dict[str, tuple[str, str]] = {
    "headlines": (
        "焦點 頭條 要聞 headlines|top stories",
        "",
    ),
    "tools": (
        "工具 資源 開源 tools|resources|open source",
        """
        開源 工具 套件 函式庫 程式庫 框架 外掛 擴充 命令列 教學 評測 儲存庫 釋出 版本 程式碼
        open source, tool, library, framework, plugin, extension, cli, sdk, tutorial, dataset,
        github, release, package, repository, show hn, changelog, mcp, llama.cpp, vllm,
        benchmark, notebook, editor, runner, command line, python, rust
        """,
    ),
    "insights": (
        "趨勢 觀點 評論 政策 trends|insights|opinion|policy",
        """
        趨勢 觀點 政策 法規 監管 法案 基本法 指引 倫理 著作權 隱私 治理 訴訟 判決 調查 報告
        教育 就業 社會 工會 罷工 峰會 宣言 歐盟 立法院 禁止 公平 專訪
        policy, regulation, law, act, court, lawsuit, copyright, privacy, governance, ethics,
        report, survey, opinion, society, education, jobs, union, eu, parliament, ban,
        guideline, interview, author, declaration, safety
        """,
    ),
    "market": (
        "市場 財經 投資 資金 資安 market|business|funding|finance",
        """
        融資 募資 估值 收購 併購 財報 營收 股價 股市 上市 投資 市場 出口 關稅 價格 漏洞 攻擊
        資安 駭客 外洩 晶片 半導體 億美元 億元 裁員 基金
        funding, raise, round, valuation, acquire, acquisition, revenue, earnings, shares,
        stock, ipo, investor, market, export, tariff, price, billion, vulnerability, cve,
        breach, hacker, chip, semiconductor, layoff, fund, deal, bid
        """,
    ),
    "industry": (
        "產業 應用 企業 industry|applications|enterprise",
        """
        應用 導入 企業 醫院 醫療 製造 工廠 機器人 人形 自駕 農業 銀行 金融 零售 客服 物流 汽車
        部署 合作 產品 廣告 手機 裝置 雲端 服務
        enterprise, deploy, deployment, customer, hospital, health, clinical, factory,
        manufacturing, robot, robotaxi, autonomous, bank, retail, supply chain, logistics, car,
        app, product, device, partner, rollout, ads, pilot, assistant, store
        """,
    ),
    "research": (
        "模型 技術 研究 論文 model|research|technology|science",
        """
        模型 論文 研究 訓練 推論 推理 微調 參數 架構 注意力 擴散 強化學習 基準 演算法 權重
        多模態 語音 預訓練 上下文 詞元 量化 對齊 可解釋
        model, paper, arxiv, training, inference, fine tuning, parameter, architecture,
        attention, transformer, diffusion, reinforcement, benchmark, algorithm, weights,
        multimodal, speech, pretraining, context, token, quantization, alignment,
        interpretability, reasoning, llm, gpt, claude, gemini, qwen, llama, we propose, we
        present, we introduce
        """,
    ),
}
HEADLINES = "headlines"
#: A profile's own paper: whatever comes from there belongs there before anything is read.
HOSTS = {
    "research": ("arxiv.org", "openreview.net", "aclanthology.org", "biorxiv.org"),
    "tools": ("github.com", "gitlab.com"),
}


def kind_of(title: str) -> str:
    """The kind of section a title names; empty where the table knows none.

    Feeds' hints are read in the same way, so that `research` and 「模型與技術更新」 are one.
    """
    folded = fold_text(title)
    for kind, (names, _) in PROFILES.items():
        chinese, _, english = names.rpartition(" ")
        words = fold_text(chinese).split()
        if folded == kind or any(word in folded for word in words):
            return kind
        if any(re.search(rf"\b{word}\b", folded) for word in english.split("|")):
            return kind
    return ""


@cache
def profile_of(title: str) -> frozenset[str]:
    """The tokens by which a topic belongs to the section of this title."""
    kind = kind_of(title)
    if kind:
        return frozenset(tokens_of(fold_text(PROFILES[kind][1])))
    return frozenset(tokens_of(fold_text(title)))
